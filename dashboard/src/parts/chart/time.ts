// How times read below and beside a chart: in the reader's locale, 12 or 24 hours as it has them. Whole days are the server's, in UTC.

const formats = (timeZone?: string) => ({
  clock: new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit', timeZone }),
  date: new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone }),
  both: new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit', timeZone }),
  year: new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', timeZone }),
})
const local = formats()
const utc = formats('UTC')
const DAY = 86_400_000

const startsDay = (ms: number, isUtc: boolean) => {
  if (isUtc) return ms % DAY === 0
  const date = new Date(ms)
  return date.getHours() === 0 && date.getMinutes() === 0
}

/** Labels below the axis: `step` is how far they are from each other. */
export function ticks(at: number[], step: number, isUtc: boolean): string[] {
  const { clock, date, year } = isUtc ? utc : local
  if (step >= 28 * DAY) return at.map((ms) => year.format(ms))
  return at.map((ms) => (step >= DAY || startsDay(ms, isUtc) ? date : clock).format(ms))
}

/** One time in full, as the legend and the table say it. */
export const moment = (ms: number, isUtc: boolean) => (isUtc ? utc.date.format(ms) : local.both.format(ms))
