// The overview: numbers and charts that move by themselves, ranges in the address, warnings in plain words, a friendly start.
export default async function (t) {
  const { page } = t
  const main = page.getByRole('main')
  const tile = (name) => main.locator('dl', { has: page.getByText(name, { exact: true }) }).locator('dd').first()
  const number = async (locator) => Number((await locator.innerText()).replace(/\D/g, ''))
  const chart = (title) => page.getByRole('figure', { name: title, exact: typeof title === 'string' })
  /// Answers /status as the server does, changed.
  const status = (change) => page.route('**/status', async (route) => {
    const answer = await route.fetch()
    const json = await answer.json()
    change(json)
    await route.fulfill({ response: answer, json })
  })

  await t.check('shows numbers, charts, events, destinations and which server this is', async () => {
    await t.go('/')
    await t.until(async () => (await number(tile('Calls'))) > 0, 'no calls are counted')
    await t.until(async () => (await number(tile('Active people'))) > 0, 'nobody is active')
    const said = chart(/^Calls per hour by type/).getByRole('img')
    await t.until(async () => /track [\d,]+/.test((await said.getAttribute('aria-label')) ?? ''), 'the chart does not say its numbers')
    await chart(/^Calls per hour by type/).locator('canvas').waitFor()
    t.ok((await page.getByRole('region', { name: 'Top events' }).getByRole('listitem').count()) > 3, 'top events are missing')
    await page.getByRole('region', { name: 'Relay' }).getByRole('link', { name: 'windsor', exact: true }).waitFor()
    await chart('View lag').getByRole('img').waitFor()
    await chart('Disk').getByRole('img').waitFor()
    await main.getByText(/each call is .*answered/).waitFor()
  })
  await t.shot('overview')
  await t.shot('overview', { narrow: true })

  await t.check('charts have as many calls as the API counts', async () => {
    const since = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - 23 * 3_600_000).toISOString()
    await t.until(async () => {
      const stats = await t.api('GET', `/api/stats?interval=hour&since=${since}`)
      const calls = stats.buckets.reduce((sum, { verdicts }) => sum + verdicts.appended + verdicts.filtered, 0)
      // Traffic goes on: between two looks a few calls more may have come.
      return Math.abs((await number(tile('Calls'))) - calls) < 50
    }, 'the page and the API disagree')
  })

  await t.check('moves by itself', async () => {
    const before = await number(tile('Calls'))
    const user = t.unique('overview-user')
    await t.send(Array.from({ length: 60 }, (_, k) => ({ type: 'track', userId: user, event: 'Overview Moves', properties: { k } })))
    await t.until(async () => (await number(tile('Calls'))) >= before + 60, 'the number stood still')
  })

  await t.check('keeps the range in the address', async () => {
    await page.getByRole('button', { name: 'Hour', exact: true }).click()
    await t.until(() => page.url().endsWith('/?range=hour'))
    await chart(/^Calls per minute by type/).waitFor()
    await page.reload()
    await chart(/^Calls per minute by type/).waitFor()
    await page.getByRole('button', { name: '30 days' }).click()
    await chart(/^Calls per day by type/).getByText('days in UTC').waitFor()
    t.equal(await page.getByRole('button', { name: '30 days' }).getAttribute('aria-pressed'), 'true')
    await page.getByRole('button', { name: 'Day', exact: true }).click()
    await chart(/^Calls per hour by type/).waitFor()
  })

  await t.check('a chart is a table too, and its series can be hidden, all by keys', async () => {
    const one = chart(/^Calls per hour by verdict/)
    await one.getByText('Show as table').focus()
    await page.keyboard.press('Enter')
    const table = one.getByRole('table')
    await table.waitFor()
    t.equal(await table.getByRole('columnheader').allInnerTexts(), ['Time', 'appended', 'duplicate', 'rejected', 'filtered'])
    t.equal(await table.locator('tbody tr').count(), 24)
    const rejected = one.getByRole('button', { name: /rejected/ })
    await rejected.focus()
    await page.keyboard.press('Space')
    t.equal(await rejected.getAttribute('aria-pressed'), 'false')
    await page.keyboard.press('Space')
    t.equal(await rejected.getAttribute('aria-pressed'), 'true')
  })
  await t.shot('overview-table')

  await t.check('values under the cursor are in the legend', async () => {
    const one = chart(/^Calls per hour by type/)
    await one.locator('.u-over').hover()
    await one.getByText('in all', { exact: true }).waitFor({ state: 'detached' })
    await page.mouse.move(2, 2)
    await one.getByText('in all', { exact: true }).waitFor()
  })

  await t.check('says why calls were rejected, and what to do', async () => {
    const { write_key: key } = await t.api('POST', '/api/sources', { name: t.unique('careless'), kind: 'server', merges: 'all' })
    const answer = await fetch(`${t.base}/v1/track`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'Nobody <img src=x onerror=alert(1)>' })
    })
    t.equal(answer.status, 200)
    await answer.text()
    await t.go('/')
    const box = page.getByRole('region', { name: 'Rejected, and why' })
    await box.getByText('no_user_anon_id').waitFor()
    await box.getByText(/userId|anonymousId/).first().waitFor()
    t.equal(await box.getByRole('link', { name: 'Open the debugger' }).getAttribute('href'), '/sources?tab=debugger')
  })

  await t.check('warns in sentences that say what to do', async () => {
    await status((json) => {
      json.journal.disk_low = true
      json.journal.disk_free_bytes = 120_000_000
      json.views.parked = 2
      json.relay[0].state = 'alarm'
    })
    await t.go('/')
    const list = page.getByRole('list', { name: 'Needs attention' })
    await list.getByText('Only 120 MB are free on the disk').waitFor()
    await list.getByText('2 records could not be folded').waitFor()
    await list.getByText('does not accept its key').waitFor()
  })
  await t.shot('overview-warnings')
  await page.unroute('**/status')

  await t.check('a server without calls shows how to begin', async () => {
    await status((json) => Object.assign(json, { tail: 1, accounts: { ...json.accounts, received: 0, appended: 0 } }))
    await t.go('/')
    await page.getByText('Nothing has come in yet').waitFor()
    await page.getByRole('link', { name: 'Go to Sources' }).click()
    await t.until(() => new URL(page.url()).pathname === '/sources')
  })
  await page.unroute('**/status')

  await t.check('an answer that is refused says why, and is asked for again', async () => {
    await page.route('**/api/stats*', (route) => route.fulfill({ status: 429, json: { status: 429, code: 'rate_limited', detail: 'too many questions' } }))
    await t.go('/')
    const alert = page.getByRole('alert').filter({ hasText: 'too many questions' })
    await alert.waitFor()
    await page.unroute('**/api/stats*')
    await alert.getByRole('button', { name: 'Try again' }).click()
    await t.until(async () => (await number(tile('Calls'))) > 0)
  })
}
