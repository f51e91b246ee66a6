// A page that is no longer refreshed must not look fine: it says since when, whatever the reason.
(() => {
  const LATE_MS = 45000;
  let fresh = Date.now();
  const watched = () => document.querySelector("[data-fresh]");
  const tell = () => {
    const late = document.getElementById("late");
    if (!late) return;
    const is_late = Date.now() - fresh > LATE_MS;
    if (is_late && late.hidden) {
      late.querySelector("time").textContent = new Date(fresh).toISOString().slice(11, 16) + " UTC";
    }
    late.hidden = !is_late;
  };
  // The answer to an expired session is a login page: keep what is there, and let it become late.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const area = watched();
    if (area && event.detail.target === area && !event.detail.serverResponse.includes(`id="${area.id}"`)) {
      event.detail.shouldSwap = false;
    }
  });
  document.addEventListener("htmx:afterSwap", () => {
    fresh = Date.now();
    tell();
  });
  setInterval(tell, 5000);
})();
