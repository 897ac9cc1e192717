// Comes last: opens figures, switches languages, draws everything.

// ── figures, languages ─────────────────────────────────────────────────────────────────────────────────────────────

async function inflate(image) { // figures stay compressed until they are opened
  const packed = data.figures[image.dataset.figure];
  delete image.dataset.figure;
  const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  image.src = URL.createObjectURL(new Blob([await new Response(stream).arrayBuffer()], { type: "image/svg+xml" }));
}

function inflateIn(part) {
  return Promise.all([...part.querySelectorAll("img[data-figure]")].map(inflate));
}

function choose(language) {
  root.lang = root.dataset.language = language;
  document.title = document.querySelector(`h1 [lang=${language}]`).textContent;
  for (const button of document.querySelectorAll("[data-choose]")) button.setAttribute("aria-pressed", String(button.dataset.choose === language));
  for (const one of document.querySelectorAll("[data-label-en]")) one.setAttribute("aria-label", one.getAttribute(`data-label-${language}`));
  for (const draw of redraws) draw();
}

function readLanguage() { // that of the address, if it names one of the page
  const asked = new URLSearchParams(location.hash.slice(1)).get("lang");
  return [...document.querySelectorAll("[data-choose]")].some((one) => one.dataset.choose === asked) ? asked : null;
}

function remember(language) { // across reloads and on the other page; not every browser lets a local file store it
  const folder = location.pathname.replace(/[^/]*$/, "");
  try {
    if (language) sessionStorage.setItem(folder, language);
    return sessionStorage.getItem(folder);
  } catch {
    return null;
  }
}

for (const one of document.querySelectorAll("details")) {
  one.addEventListener("toggle", () => { if (one.open) inflateIn(one); });
  if (one.open) inflateIn(one);
}
for (const button of document.querySelectorAll("[data-choose]")) button.addEventListener("click", () => choose(remember(button.dataset.choose) || button.dataset.choose));
function openTarget() { // a link to a figure opens it
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
}
window.addEventListener("hashchange", openTarget);
let wide = innerWidth;
window.addEventListener("resize", () => {
  if (innerWidth !== wide) for (const draw of redraws) draw();
  wide = innerWidth;
});
choose(remember(readLanguage()) || readLanguage() || (navigator.language.startsWith("ja") ? "ja" : root.dataset.language));
openTarget();
