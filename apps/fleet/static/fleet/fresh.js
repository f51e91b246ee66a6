// Show a warning, with the time of the last update, when the page is no longer refreshed.
(() => {
  const LATE_MS = 45000;
  let fresh = Date.now();
  const watched = () => document.querySelector("[data-fresh]");
  const update = () => {
    const late = document.getElementById("late");
    if (!late) return;
    const is_late = Date.now() - fresh > LATE_MS;
    if (is_late && late.hidden) {
      late.querySelector("time").textContent = new Date(fresh).toISOString().slice(11, 16) + " UTC";
    }
    late.hidden = !is_late;
  };
  // An expired session returns the login page: keep the current content and let the warning appear.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const area = watched();
    if (area && event.detail.target === area && !event.detail.serverResponse.includes(`id="${area.id}"`)) {
      event.detail.shouldSwap = false;
    }
  });
  document.addEventListener("htmx:afterSwap", () => {
    fresh = Date.now();
    update();
  });
  setInterval(update, 5000);
})();
