"""Word lists for the rules that make English questions."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


AUXILIARIES = _words("is are was were can could may might must shall should will would")

# Verbs with their forms: base, third person, past.
_VERBS = """
    take takes took, last lasts lasted, include includes included, contain contains contained, cover covers covered,
    support supports supported, accept accepts accepted, require requires required, open opens opened,
    close closes closed, start starts started, begin begins began, end ends ended, expire expires expired,
    hold holds held, weigh weighs weighed, measure measures measured, pay pays paid, get gets got,
    receive receives received, offer offers offered, use uses used, serve serves served, keep keeps kept,
    store stores stored, need needs needed, run runs ran, allow allows allowed, provide provides provided,
    charge charges charged, refund refunds refunded, reply replies replied, answer answers answered,
    deliver delivers delivered, arrive arrives arrived, ship ships shipped, employ employs employed,
    report reports reported, rise rises rose, fall falls fell, grow grows grew, lead leads led, found founds founded,
    produce produces produced, make makes made, sell sells sold, stop stops stopped, carry carries carried,
    reach reaches reached, publish publishes published, release releases released, replace replaces replaced,
    confirm confirms confirmed, decide decides decided, earn earns earned, have has had, mean means meant,
    sail sails sailed, leave leaves left, connect connects connected, switch switches switched,
    appear appears appeared, move moves moved, win wins won, join joins joined, send sends sent,
    change changes changed, cost costs
"""


def _forms() -> dict[str, tuple[str, str]]:
    """Return for each form its base and the auxiliary that a question takes."""
    known: dict[str, tuple[str, str]] = {}
    for forms in _VERBS.split(","):
        base, third, *past = forms.split()
        known |= {base: (base, "do"), third: (base, "does"), **dict.fromkeys(past, (base, "did"))}
    return known


VERBS = _forms()
OF_PEOPLE = _words("leads led runs ran founded decides decided publishes published reports reported")
LISTING = _words("include includes contain contains cover covers accept accepts require requires support supports")
LASTING = _words("take takes took last lasts lasted")

# Words with which no subject goes on: they point elsewhere, or begin another clause.
NOT_IN_A_SUBJECT = _words("""
    this that these those it they he she we i there here if when while although because since and but or so however
    which who whom whose where what why how not no nobody nothing both either neither its their his her our my then
    also instead please unless until once
""")

# Columns of tables: those whose first cell is a name by itself, those that name a property (singular), and those that
# say too much for one question.
IDENTIFIERS = _words("id no nr number code name key sku item")
PROPERTIES = _words("""
    price cost fee amount rate category class type kind status state owner lead contact phone telephone email mail
    address city country region language availability duration length width height weight size colour color age
    meaning definition limit threshold minimum maximum default value number quantity stock service supplier
    manufacturer author editor date deadline period term version edition location place room capacity storage
    frequency temperature voltage power range speed currency discount deposit quota allowance department team role
    title name reason cause remedy solution consequence priority severity channel order
""")
REMARKS = _words("note notes remark remarks comment comments event description")

# Headings that many documents have, and last words of titles that take an article.
GENERAL = _words("""
    summary introduction contents overview new changed fixed notes welcome general conclusion background other about
    details information related miscellaneous appendix references changes purpose scope timeline index steps example
    examples history definitions terms
""")
DOCUMENTS = _words("""
    handbook guide policy manual notes centre center terms list report faq register plan rules notice agreement
    minutes catalogue catalog instructions overview
""")
PLURAL_DOCUMENTS = _words("terms minutes rules instructions notes")
