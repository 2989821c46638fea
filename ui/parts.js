// What the lists of conversations and documents do in the browser: open small forms, and tell the server what is meant.
const row = (node) => node.closest("[data-id]");

const show = (item, name) => {
  for (const part of item.querySelectorAll("[data-part]")) part.hidden = part.dataset.part !== name;
  const menu = item.querySelector("details.fn-menu");
  if (menu) menu.open = false;
  const field = item.querySelector(`[data-part="${name}"] :is(input, button)`);
  if (field) field.focus();
  else item.querySelector("button")?.focus();
  if (field?.select) field.select();
};

const save = (file) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([file.text], { type: file.type }));
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

const tell = (item, problem) => {
  const note = document.createElement("p");
  note.className = "fn-problem";
  note.role = "alert";
  note.textContent = problem;
  item.append(note);
};

const act = async (button) => {
  const item = row(button);
  const { act: name, form, kind } = button.dataset;
  if (name === "show") return show(item, form);
  if (name === "hide") return show(item, "");
  if (name === "export") {
    item.querySelector("details.fn-menu").open = false;
    const file = await server.export({ id: item.dataset.id, kind });
    return file.problem ? tell(item, file.problem) : save(file);
  }
  if (name === "delete") show(item, "");
  if (name === "clear" || name === "select") {
    wanted = false;
    document.querySelector('[data-fn="close"]')?.click();
  }
  trigger(name, { id: item?.dataset.id ?? "" });
};

element.addEventListener("click", (event) => {
  if (event.target.closest("[data-drawer] > summary")) wanted = !event.target.closest("[data-drawer]").open;
  const button = event.target.closest("button[data-act]");
  if (button) act(button);
});

element.addEventListener("submit", (event) => {
  event.preventDefault();
  const item = row(event.target);
  show(item, "");
  trigger(event.target.dataset.act, { id: item.dataset.id, title: new FormData(event.target).get("title") });
});

element.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const item = row(event.target);
  if (item) show(item, "");
});

document.addEventListener("click", (event) => {
  for (const menu of element.querySelectorAll("details.fn-menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});

// Moments as the reader's own clock and language have them; the drawer open where there is room for it.
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const hour = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const local = (moment) => (day.format(moment) === day.format(new Date()) ? hour : day).format(moment);
const wide = matchMedia("(min-width: 900px)");
let wanted = false; // whether the reader has opened the drawer: drawing the list anew would close it
const settle = () => {
  for (const time of element.querySelectorAll("time[datetime]")) time.textContent = local(new Date(time.dateTime));
  const drawer = element.querySelector("[data-drawer]");
  if (drawer) drawer.open = wide.matches || wanted;
};
watch("value", settle);
wide.addEventListener("change", settle);
settle();
