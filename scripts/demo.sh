#!/usr/bin/env bash
# Indexes documents, asks about them, and says how to go on. Ends by itself; needs no terminal.
set -euo pipefail
footnote="$1/footnote"

ask() {
    printf '\n────────────────────────────────────────────────────────────\n? %s\n' "$1"
    "$footnote" ask "$1" --collection "$collection"
}

if [ ! -e "$DOCS" ]; then
    echo "There is no folder or file '$DOCS': make demo DOCS=some/folder Q=\"a question\"." >&2
    exit 1
fi
if [ "$DOCS" = samples ]; then
    collection=samples
    questions=(
        "How much is paid per kilometre for using my own car?"
        "What does ERR-41 mean and what should I do?"
        "What is the default threshold of the storm alarm since firmware v2.2.0, and what was it before?"
    )
    echo "Reading the documents of an invented maker of weather stations (samples/) …"
else
    collection="demo-$(cd "$(dirname "$DOCS")" && basename "$PWD")-$(basename "$DOCS")"
    questions=()
    echo "Reading $DOCS …"
fi
# A file that cannot be read is told, and does not keep us from the others.
"$footnote" ingest "$DOCS" --collection "$collection" || echo "(Some files were left out, see above.)"

if [ -n "$Q" ]; then
    questions=("$Q")
fi
for question in ${questions[@]+"${questions[@]}"}; do
    ask "$question"
done

cat <<END

────────────────────────────────────────────────────────────
Next:
  make demo DOCS=some/folder Q="a question"     your own documents
  $footnote ask "How many days of annual leave are there?" --collection $collection
  $footnote verify RECEIPT                      check an answer again, later
  $footnote --help                              everything else
END
