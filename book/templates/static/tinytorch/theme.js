// The button for light and dark, whose choice is made before the first paint by the script in layout.html; and in the
// foot, beside the version, the commit: it changes more often than the pages do, so it comes with this file.
(() => {
  const root = document.documentElement;
  const buttons = document.querySelectorAll(".tt-theme");

  const show = () => buttons.forEach((button) => {
    button.textContent = root.dataset.theme === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${button.textContent.toLowerCase()} colours`);
    button.hidden = false;
  });

  const turn = () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("tinytorch-theme", root.dataset.theme);
    } catch (closed) {
      console.info("The colours are not remembered: this window has no storage.", closed);
    }
    show();
  };

  buttons.forEach((button) => button.addEventListener("click", turn));
  show();

  const commit = self.__TT_COMMIT; // assemble.py puts the commit in this place, where it is known
  if (commit) document.querySelector(".tt-version").append(` (${commit})`);

  // Where the page's script never arrives, hints must not stay hidden.
  setTimeout(() => root.dataset.python || root.classList.remove("tt-js"), 8000);

  const here = document.querySelector(".tt-contents [aria-current]");
  if (here && here.offsetParent) here.scrollIntoView({ block: "nearest" });
})();
