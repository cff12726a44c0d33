// The relay: destinations and their charts, deliveries by state, dead letters, pauses, and ranges delivered again.
export default async function (t) {
  const { page } = t
  const main = page.getByRole('main')
  const name = 'newsletter'
  const at = (state) => t.api('GET', `/api/relay/${name}/deliveries?state=${state}&limit=5`)
  const rows = page.getByRole('region', { name: 'Deliveries' }).locator('article')
  const user = t.unique('relay-user')

  await t.check('shows each destination with its state, counts and charts', async () => {
    await t.go('/relay')
    for (const one of ['windsor', name]) await main.getByRole('link', { name: one, exact: true }).waitFor()
    await main.getByText('2 destinations').waitFor()
    await page.getByRole('figure', { name: 'Delivered calls' }).getByRole('img').waitFor()
    await page.getByRole('figure', { name: 'Failed requests per 5 minutes' }).waitFor()
    await page.getByRole('figure', { name: 'Lag' }).waitFor()
  })
  await t.shot('relay')
  await t.shot('relay', { narrow: true })

  await t.check('a destination says how its counts close', async () => {
    await main.getByRole('link', { name, exact: true }).click()
    await t.until(() => new URL(page.url()).pathname === `/relay/${name}`)
    const sum = page.getByRole('region', { name: 'Numbers' }).getByText(/ delivered \+ .* = .* records/)
    await sum.waitFor()
    const [delivered, filtered, pending, dead, all] = (await sum.innerText()).replace(/,/g, '').match(/\d+/g).map(Number)
    t.equal(delivered + filtered + pending + dead, all, 'the account does not close')
  })

  await t.check('a delivered call shows its attempts and whose it is', async () => {
    await t.send([{ type: 'identify', userId: user, traits: { name: 'Rela <b>Yed</b> عميل' } }, { type: 'track', userId: user, event: 'Relayed <script>alert(1)</script>' }])
    await t.until(async () => (await at('delivered')).items.length > 0, 'nothing was ever delivered')
    await page.getByRole('button', { name: /^Delivered/ }).click()
    await t.until(() => page.url().endsWith('?state=delivered'))
    // Rows of the former state stay until the others are there.
    const taken = rows.filter({ hasText: /\b200\b/ }).first()
    await taken.getByRole('button', { expanded: false }).click()
    await taken.getByText('Message id').waitFor()
    await taken.locator('a[href^="/people/"]').waitFor()
  })
  await t.shot('deliveries')
  await t.shot('deliveries', { narrow: true })

  // The made-up vendor refuses a few calls for good; with enough of them there is a dead letter.
  await t.send(Array.from({ length: 200 }, (_, k) => ({ type: 'track', userId: user, event: 'Refuse Me', properties: { k } })))
  for (let tries = 0; tries < 6; tries += 1) {
    const found = await t.until(async () => (await at('dead')).items.length > 0).catch(() => false)
    if (found) break
  }

  await t.check('a dead letter shows the answer of the vendor, and is delivered again', async () => {
    await t.go(`/relay/${name}?state=dead`)
    const first = rows.filter({ has: page.getByRole('button', { name: 'Deliver again' }) }).first()
    await first.getByRole('button', { expanded: false }).first().click()
    await first.getByText('the receiver refused it').waitFor()
    const answer = page.waitForResponse((one) => one.url().endsWith('/redeliver') && one.request().method() === 'POST')
    await first.getByRole('button', { name: 'Deliver again' }).click()
    t.equal((await answer).status(), 202)
    await page.getByRole('status').getByText('It is delivered again').waitFor()
    await rows.getByRole('button', { name: 'Ordered' }).waitFor()
  })
  await t.shot('dead-letters')

  await t.check('all dead letters are delivered again after a question', async () => {
    await page.getByRole('button', { name: 'Deliver all again' }).click()
    const dialog = page.getByRole('dialog', { name: 'Deliver all dead letters again?' })
    await dialog.getByRole('button', { name: /^Deliver .* again$/ }).click()
    await page.getByRole('status').getByText(/Ordered: the relay looks at [\d,]+ records?/).waitFor()
  })

  await t.check('a range is delivered again; how many records it looks at is said before and after', async () => {
    await t.go(`/relay/${name}`)
    await page.getByRole('button', { name: 'Backfill…' }).click()
    const dialog = page.getByRole('dialog', { name: `Deliver a range again to ${name}` })
    await dialog.getByText('Say from where on').waitFor()
    t.ok(await dialog.getByRole('button', { name: 'Deliver again' }).isDisabled(), 'all without a beginning can be ordered')
    await dialog.getByRole('radio', { name: 'sequence' }).check()
    await dialog.getByRole('textbox', { name: 'From' }).fill('1')
    await dialog.getByRole('textbox', { name: 'To (not included)' }).fill('101')
    await dialog.getByLabel('Type').selectOption('track')
    await dialog.getByText('It looks at 100 records and delivers those that fit').waitFor()
    const sent = page.waitForRequest((one) => one.url().endsWith('/redeliver'))
    await dialog.getByRole('button', { name: 'Deliver again' }).click()
    t.equal((await sent).postDataJSON(), { state: 'all', from: 1, to: 101, type: 'track' })
    await page.getByRole('status').getByText(/looks at 100 records/).waitFor()
    await dialog.waitFor({ state: 'hidden' })
  })

  await t.check('a range of time says about how many', async () => {
    await page.getByRole('button', { name: 'Backfill…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('From').fill(new Date(Date.now() - 86_400_000).toISOString().slice(0, 16))
    await dialog.getByText(/It looks at about [\d,]+ records/).waitFor()
    await t.shot('backfill')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
  })

  await t.check('is paused after a question and goes on, by keys', async () => {
    await page.getByRole('button', { name: `Pause ${name}` }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: `Pause ${name}?` })
    await dialog.getByRole('button', { name: 'Pause', exact: true }).focus()
    await page.keyboard.press('Enter')
    await main.getByText('Paused: nothing is sent').waitFor()
    t.equal((await t.api('GET', `/api/relay/${name}`)).state, 'paused')
    await page.getByRole('button', { name: `Resume ${name}` }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: `Pause ${name}` }).waitFor()
    t.equal((await t.api('GET', `/api/relay/${name}`)).state, 'running')
  })

  await t.check('who may only read sees no order', async () => {
    const reader = await t.reader()
    await t.go('/relay', reader)
    await reader.getByRole('link', { name, exact: true }).waitFor()
    await t.go(`/relay/${name}?state=dead`, reader)
    await reader.getByRole('region', { name: 'Numbers' }).waitFor()
    for (const order of [/Pause|Resume/, /Backfill/, /Deliver/]) t.equal(await reader.getByRole('main').getByRole('button', { name: order }).filter({ hasNotText: /^Delivered/ }).count(), 0, String(order))
    await reader.context().close()
  })

  await t.check('without destinations it explains how to add one', async () => {
    await page.route('**/api/relay', (route) => route.fulfill({ json: { items: [], next: null, through: 1 } }))
    await t.go('/relay')
    await page.getByText('no destination is configured').waitFor()
    await page.getByRole('region', { name: 'destination for config.toml' }).getByText('[[destinations]]').waitFor()
  })
  await t.shot('relay-none')
  await page.unroute('**/api/relay')

  await t.check('a destination that is not there says so', async () => {
    await t.go('/relay/nobody')
    await page.getByText('There is no destination of this name.').waitFor()
  })
}
