"use strict";
// The link ends in the token; it stays in this browser, and is not in the address any more. One that is refused is not
// kept: a link on another site would lock the owner out.
const find = (id) => document.getElementById(id);
const given = location.hash.slice(1), WAITS = "waiting ", LONGEST = 500000;
if (given) history.replaceState(null, "", "/");
let token = given || localStorage.token || "-", socket, name = "Assistant", typing, pause = 500;

// What waits is kept each by itself: two pages of one browser do not overwrite each other's.
function waiting() {
  const found = Object.keys(localStorage).filter((key) => key.startsWith(WAITS));
  return found.map((key) => JSON.parse(localStorage[key])).sort((one, other) => one.at - other.at);
}

function say(text) {
  find("state").textContent = text;
}

function show(one) {
  const item = (one.id && document.querySelector(`[data-id="${CSS.escape(one.id)}"]`)) || document.createElement("article");
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
  const answer = await fetch(`/files/${file.id}`, { headers: { Authorization: `Bearer ${token}` } });
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
    headers: { Authorization: `Bearer ${token}`, "Content-Type": file.type || "application/octet-stream" },
  });
  if (!answer.ok) throw new Error(answer.status === 413 ? "it is too large" : answer.statusText);
  return answer.json();
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.onopen = () => socket.send(token);
  socket.onmessage = (event) => {
    const news = JSON.parse(event.data);
    if (news.name) {
      localStorage.token = token;
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
    if (news.stored) localStorage.removeItem(WAITS + news.stored);
    for (const one of news.said || []) {
      if (one.from !== "me") { clearTimeout(typing); say(""); }
      show(one);
    }
    if (news.name) for (const one of waiting()) { show({ ...one, waits: true }); socket.send(JSON.stringify(one)); }
  };
  socket.onclose = (event) => {
    if (event.code === 4401 && localStorage.token && localStorage.token !== token) {
      token = localStorage.token;
      connect();
      return;
    }
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
  if (new Blob([text]).size > LONGEST) { say("That is too long; send it as a file."); return; }
  let files = [];
  try {
    files = await Promise.all(chosen.map(upload));
  } catch (error) {
    say(`A file was not sent: ${error.message}.`);
    return;
  }
  const one = { id: crypto.randomUUID(), from: "me", text, files, at: Date.now() };
  localStorage[WAITS + one.id] = JSON.stringify(one);
  find("form").reset();
  show({ ...one, waits: true });
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(one));
}

find("form").addEventListener("submit", send);
find("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); find("form").requestSubmit(); }
});
connect();
