// The page's own script. Gradio runs it once, with what leads to the server: `trigger` sends an event, `server` has the
// functions of ui/bridge.py. Text is only ever put in as text; HTML comes from the server alone, which escapes it.
const form = element.querySelector("#fn-form");
const box = element.querySelector("#fn-question");
const send = element.querySelector("#fn-send");
const stop = element.querySelector("#fn-stop");
const announcer = element.querySelector("#fn-announce");
const opinions = new Map(); // by receipt: what was thought of its answer, for turns that are drawn again
let busy = false;
let opener = null; // what opened the source, to which focus goes back
let heard = 0; // sentences of the last turn that were announced
let lastTurn = "";

function setBusy(now) {
  busy = now;
  send.hidden = now;
  stop.hidden = !now;
}

function grow() {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 200)}px`;
}

function ask(question, again = false) {
  const text = question.trim();
  if (!text || busy) return;
  setBusy(true);
  announce("Looking for an answer.");
  trigger("submit", { question: text, again });
}

function announce(text) {
  announcer.textContent = text;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (busy || !box.value.trim()) return;
  ask(box.value);
  box.value = "";
  grow();
});
box.addEventListener("input", grow);
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

// What is drawn by the server is looked at when it changes: whether the answer is done, and what is new to be said.
function drawn() {
  for (const [receipt, thumb] of opinions) {
    for (const turn of document.querySelectorAll(".fn-turn")) {
      if (turn.dataset.receipt === receipt) press(turn, thumb);
    }
  }
  const scroll = document.querySelector("#fn-scroll");
  const turn = document.querySelector(".fn-turn[data-last]");
  if (!turn) {
    lastTurn = "";
    return setBusy(false);
  }
  const sentences = turn.querySelectorAll(".fn-sentence, .fn-text > span");
  if (turn.dataset.turn !== lastTurn) {
    lastTurn = turn.dataset.turn;
    heard = turn.dataset.state === "working" ? 0 : sentences.length;
    // Not scrollIntoView, which would move the frame around it too.
    const top = turn.getBoundingClientRect().top - scroll.getBoundingClientRect().top + scroll.scrollTop;
    scroll.scrollTo({ top, behavior: calm() ? "auto" : "smooth" });
  }
  if (sentences.length > heard) {
    announce([...sentences].slice(heard).map(spoken).join(" "));
    heard = sentences.length;
  }
  const working = turn.dataset.state === "working";
  if (busy && !working) announce(`${announcer.textContent} ${ending(turn)}`);
  setBusy(working);
}

function spoken(sentence) {
  const copy = sentence.cloneNode(true);
  copy.querySelectorAll("button, .fn-mark").forEach((one) => one.remove());
  return copy.textContent;
}

function ending(turn) {
  const level = turn.querySelector(".fn-confidence summary");
  return level ? `End of the answer. ${level.textContent.trim()}.` : "";
}

function calm() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// ---- The source beside the conversation
async function openSource(button) {
  const place = JSON.parse(button.dataset.cite);
  const panel = document.querySelector("#fn-panel");
  const body = document.querySelector("#fn-panel-body");
  opener = button;
  document.querySelectorAll(".fn-open").forEach((one) => one.classList.remove("fn-open"));
  button.classList.add("fn-open");
  document.querySelector("#fn-panel-name").textContent = place.n ? `Footnote ${place.n}` : "Source";
  body.innerHTML = '<p class="fn-status"><span class="fn-dots" aria-hidden="true"></span>Opening the source…</p>';
  panel.hidden = false;
  document.body.classList.add("fn-source-open");
  document.querySelector("#fn-panel-name").focus({ preventScroll: true });
  const told = await asked(server.source, place);
  if (opener !== button) return; // another one was opened meanwhile
  body.innerHTML = told.html;
  const cited = body.querySelector("#fn-cited");
  if (cited) cited.parentElement.scrollTop = cited.offsetTop - cited.parentElement.clientHeight / 3;
  const figure = body.querySelector("[data-picture]");
  if (figure) await drawPage(figure, place, () => opener === button);
}

async function drawPage(figure, place, current) {
  const told = await asked(server.picture, place);
  if (!current()) return;
  if (told.problem) {
    figure.remove();
    return;
  }
  const image = new Image();
  image.alt = `Page ${place.page}, with the cited words marked`;
  image.src = told.html;
  figure.querySelector(".fn-blank").replaceWith(image);
  figure.setAttribute("aria-busy", "false");
}

function closeSource() {
  const panel = document.querySelector("#fn-panel");
  if (!panel || panel.hidden) return;
  panel.hidden = true;
  document.body.classList.remove("fn-source-open");
  document.querySelectorAll(".fn-open").forEach((one) => one.classList.remove("fn-open"));
  (opener && opener.isConnected ? opener : box).focus();
  opener = null;
}

async function asked(what, value) {
  try {
    return await what(value);
  } catch {
    const problem = "The server did not answer. Is it still running?";
    return { problem, html: `<p class="fn-problem" role="alert">${problem}</p>` };
  }
}

// ---- What can be done with an answer
async function showHow(button, turn) {
  const more = turn.querySelector(".fn-more");
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  more.hidden = !open;
  if (!open) return;
  more.innerHTML = '<p class="fn-status"><span class="fn-dots" aria-hidden="true"></span>Reading the receipt…</p>';
  more.innerHTML = (await asked(server.how, turn.dataset.receipt)).html;
}

async function verify(button, turn) {
  const result = turn.querySelector(".fn-verified");
  button.disabled = true;
  result.textContent = "Checking every footnote again…";
  result.innerHTML = (await asked(server.verify, turn.dataset.receipt)).html;
  button.disabled = false;
}

async function download(turn) {
  const told = await asked(server.receipt, turn.dataset.receipt);
  if (told.problem) return announce(told.problem);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([told.html], { type: "application/json" }));
  link.download = `receipt-${turn.dataset.receipt}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.markdown);
    flash(button, "Copied");
  } catch {
    flash(button, "Copying is not allowed here");
  }
}

function flash(button, words) {
  const before = button.dataset.tip;
  button.dataset.tip = words;
  button.classList.add("fn-told");
  announce(words);
  setTimeout(() => {
    button.dataset.tip = before;
    button.classList.remove("fn-told");
  }, 1600);
}

function press(turn, thumb) {
  for (const one of ["up", "down"]) {
    turn.querySelector(`[data-fn="${one}"]`)?.setAttribute("aria-pressed", String(one === thumb));
  }
}

async function think(button, turn, thumb) {
  const receipt = turn.dataset.receipt;
  const told = await asked(server.opinion, { receipt, thumb, reason: "" });
  if (told.problem) return flash(button, told.problem);
  opinions.set(receipt, thumb);
  press(turn, thumb);
  askReason(turn, receipt, thumb);
}

function askReason(turn, receipt, thumb) {
  turn.querySelector(".fn-reason")?.remove();
  const reason = document.createElement("form");
  reason.className = "fn-reason";
  const label = document.createElement("label");
  label.textContent = thumb === "up" ? "What was good about it? (optional)" : "What was wrong with it? (optional)";
  const field = textField(label);
  const button = document.createElement("button");
  button.type = "submit";
  button.className = "fn-tool";
  button.textContent = "Send";
  reason.append(label);
  let right = null;
  if (thumb === "down") {
    const correction = document.createElement("label");
    correction.textContent = "What is the right answer? (optional)";
    right = textField(correction);
    reason.append(correction);
  }
  reason.append(button);
  reason.addEventListener("submit", async (event) => {
    event.preventDefault();
    const told = await asked(server.opinion, { receipt, thumb, reason: field.value, correction: right?.value ?? "" });
    const thanks = document.createElement("p");
    thanks.className = "fn-reason fn-quiet";
    thanks.setAttribute("role", "status");
    thanks.textContent = told.problem || told.html;
    reason.replaceWith(thanks);
  });
  turn.querySelector(".fn-foot").after(reason);
  field.focus({ preventScroll: true });
}

function textField(label) {
  const field = document.createElement("input");
  field.type = "text";
  field.maxLength = 2000;
  label.append(field);
  return field;
}

// ---- One listener for everything that can be pressed
document.addEventListener("click", (event) => {
  if (!element.isConnected) return;
  const inside = event.target instanceof Element ? event.target : null;
  for (const open of document.querySelectorAll(".fn-confidence[open]")) {
    if (!open.contains(inside)) open.open = false;
  }
  const button = inside?.closest("[data-fn]");
  if (!button) return;
  const turn = button.closest(".fn-turn");
  const actions = {
    ask: () => ask(button.dataset.question),
    again: () => ask(button.dataset.question, true),
    edit: () => {
      box.value = button.dataset.question;
      grow();
      box.focus();
      box.setSelectionRange(box.value.length, box.value.length);
    },
    stop: () => trigger("stop", {}),
    cite: () => openSource(button),
    close: closeSource,
    how: () => showHow(button, turn),
    verify: () => verify(button, turn),
    receipt: () => download(turn),
    copy: () => copy(button),
    up: () => think(button, turn, "up"),
    down: () => think(button, turn, "down"),
    theme: () => setTheme(!document.body.classList.contains("dark")),
  };
  actions[button.dataset.fn]?.();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeSource();
});

function setTheme(dark) {
  document.body.classList.toggle("dark", dark);
  localStorage.setItem("footnote-theme", dark ? "dark" : "light");
}

const chosen = localStorage.getItem("footnote-theme");
if (chosen) setTheme(chosen === "dark");
new MutationObserver((changes) => {
  const ours = changes.some(({ target }) => target instanceof Element && target.closest("#fn-live, #fn-history"));
  if (ours) drawn();
}).observe(document.body, {
  childList: true,
  subtree: true,
  attributes: true,
  attributeFilter: ["data-state", "data-turn"],
});
grow();
drawn();
