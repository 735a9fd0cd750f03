"use strict";

const $ = id => document.getElementById(id);
let leaving = null;

async function showTenants() {
  const models = (await (await fetch("/v1/models")).json()).data;
  for (const [index, model] of models.entries()) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = model.id;
    box.checked = index > 0 && index < 5;
    label.append(box, ` ${model.id}${model.parent ? "" : " (base)"}`);
    $("tenants").append(label);
  }
}

// Server-sent events come as lines; a piece of the stream may end within one.
async function* eventsOf(response) {
  let rest = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data: ") && line !== "data: [DONE]") {
        yield JSON.parse(line.slice(6));
      }
    }
  }
}

async function ask(model, question, signal) {
  const article = document.createElement("article");
  // Read aloud when it is whole.
  article.setAttribute("aria-busy", "true");
  const [name, text, note] = ["h2", "p", "small"].map(tag => article.appendChild(document.createElement(tag)));
  name.textContent = model;
  note.textContent = "waiting …";
  $("answers").append(article);
  try {
    const response = await fetch("/v1/chat/completions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        model, stream: true, stream_options: { include_usage: true }, messages: [{ role: "user", content: question }],
      }),
      signal,
    });
    if (!response.ok) {
      note.textContent = (await response.json()).error.message;
      return;
    }
    for await (const chunk of eventsOf(response)) {
      if (chunk.error) {
        note.textContent = chunk.error.message;
        return;
      }
      text.textContent += chunk.choices[0]?.delta.content ?? "";
      if (chunk.usage) {
        note.textContent = `${chunk.usage.prompt_tokens} tokens asked, ${chunk.usage.completion_tokens} answered`;
      }
    }
  } catch (error) {
    note.textContent = error.name === "AbortError" ? "stopped" : "The server cannot be reached.";
  } finally {
    article.setAttribute("aria-busy", "false");
  }
}

$("form").addEventListener("submit", async event => {
  event.preventDefault();
  leaving?.abort();
  const own = leaving = new AbortController();
  const chosen = [...document.querySelectorAll("#tenants input:checked")].map(box => box.value);
  $("answers").replaceChildren();
  $("stop").disabled = false;
  await Promise.all(chosen.map(model => ask(model, $("question").value, own.signal)));
  if (leaving === own) {
    $("stop").disabled = true;
  }
});

$("stop").addEventListener("click", () => leaving?.abort());

async function showStatus() {
  try {
    const now = await (await fetch("/status")).json();
    $("status").textContent = `step ${now.steps}: ${now.rows} rows, ${now.adaptersInStep} adapters · ${now.running} running, `
      + `${now.waiting} waiting · ${now.tokens} tokens so far · pool: ${now.adapterPages} pages of ${now.residentAdapters} adapters, `
      + `${now.cachePages} of keys and values, ${now.pages} in all`;
    $("adapters").style.width = `${100 * now.adapterPages / now.pages}%`;
    $("cache").style.width = `${100 * now.cachePages / now.pages}%`;
  } catch {
    $("status").textContent = "The server cannot be reached.";
  }
  setTimeout(showStatus, 250);
}

showTenants();
showStatus();
