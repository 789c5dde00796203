"use strict";
// The link ends in the token; it stays in this browser, and is not in the address any more.
const find = (id) => document.getElementById(id);
if (location.hash.length > 1) {
  localStorage.token = location.hash.slice(1);
  history.replaceState(null, "", "/");
}
const waiting = new Map(JSON.parse(localStorage.waiting || "[]").map((one) => [one.id, one]));
let socket, name = "Assistant", typing, pause = 500;

function remember() {
  localStorage.waiting = JSON.stringify([...waiting.values()]);
}

function say(text) {
  find("state").textContent = text;
}

function show(one) {
  const item = (one.id && document.querySelector(`[data-id="${one.id}"]`)) || document.createElement("article");
  item.replaceChildren();
  item.className = one.from === "me" ? "me" : "";
  if (one.id) item.dataset.id = one.id;
  if (one.waits) item.classList.add("waits");
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = `${one.from === "me" ? "You" : name}: `;
  const body = document.createElement("div");
  if (one.html) body.innerHTML = one.html; else body.textContent = one.text;
  for (const link of body.querySelectorAll("a")) { link.target = "_blank"; link.rel = "noreferrer"; }
  item.append(who, body);
  for (const file of one.files || []) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `Open ${file.name}`;
    button.onclick = () => open(file);
    item.append(button);
  }
  find("said").append(item);
  item.scrollIntoView({ block: "end" });
}

async function open(file) {
  const answer = await fetch(`/files/${file.id}`, { headers: { Authorization: `Bearer ${localStorage.token}` } });
  if (!answer.ok) { say(`${file.name} is no longer there.`); return; }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = file.name;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function upload(file) {
  const answer = await fetch(`/files?name=${encodeURIComponent(file.name)}`, {
    method: "POST", body: file,
    headers: { Authorization: `Bearer ${localStorage.token}`, "Content-Type": file.type || "application/octet-stream" },
  });
  if (!answer.ok) throw new Error(answer.status === 413 ? "it is too large" : answer.statusText);
  return answer.json();
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.onopen = () => socket.send(localStorage.token || "-");
  socket.onmessage = (event) => {
    const news = JSON.parse(event.data);
    if (news.name) {
      name = document.title = find("name").textContent = news.name;
      find("said").replaceChildren();
      pause = 500;
      say("");
    }
    if (news.typing) {
      say(`${name} is writing …`);
      clearTimeout(typing);
      typing = setTimeout(() => say(""), 6000);
    }
    if (news.stored) { waiting.delete(news.stored); remember(); }
    for (const one of news.said || []) {
      if (one.from !== "me") { clearTimeout(typing); say(""); }
      show(one);
    }
    if (news.name) for (const one of waiting.values()) { show({ ...one, waits: true }); socket.send(JSON.stringify(one)); }
  };
  socket.onclose = (event) => {
    if (event.code === 4401) { say("This is not the link that bot setup shows."); return; }
    say("Not connected; what you write is sent later.");
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 30000);
  };
}

async function send(event) {
  event.preventDefault();
  const text = find("text").value, chosen = [...find("files").files];
  if (!text.trim() && !chosen.length) return;
  let files = [];
  try {
    files = await Promise.all(chosen.map(upload));
  } catch (error) {
    say(`A file was not sent: ${error.message}.`);
    return;
  }
  const one = { id: crypto.randomUUID(), from: "me", text, files };
  waiting.set(one.id, one);
  remember();
  find("form").reset();
  show({ ...one, waits: true });
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(one));
}

find("form").addEventListener("submit", send);
find("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); find("form").requestSubmit(); }
});
connect();
