// The time, moved on every ten seconds: what is said in words ("2 minutes ago") stays true on a page that stays open.

let ms = $state(Date.now())
setInterval(() => (ms = Date.now()), 10_000)

export const now = {
  get ms() {
    return ms
  },
}
