// The feed: live, paused while somebody reads, filters in the address, names hidden and shown again.
export default async function (t) {
  const { page } = t
  const user = t.unique('feed-user')
  const event = t.unique('Feed Event')
  const track = (properties = {}, more = {}) => ({ type: 'track', userId: user, event, properties, ...more })
  const main = page.getByRole('main')
  const rows = page.getByRole('region', { name: 'Calls' }).locator('article')
  const mine = rows.filter({ hasText: event })
  const only = `/feed?${new URLSearchParams({ event })}`

  await t.send([{ type: 'identify', userId: user, traits: { name: 'Feeda Reader', email: `${user}@example.com` } }, track({ step: 1 })])

  await t.check('shows what has happened, newest first', async () => {
    await t.go('/feed')
    await mine.first().waitFor()
    await main.getByText('live', { exact: true }).waitFor()
    const times = await rows.locator('time').evaluateAll((all) => all.map((one) => one.dateTime))
    t.ok(times.length > 5, `only ${times.length} rows are there`)
    t.equal(times, [...times].sort().reverse(), 'order of the rows')
  })
  await t.shot('feed')
  await t.shot('feed', { narrow: true })

  await t.check('a call shows up by itself', async () => {
    await t.go(only)
    await mine.first().waitFor()
    const before = await mine.count()
    await t.send([track({ step: 2 })])
    await t.until(async () => (await mine.count()) === before + 1, 'the new call never came')
  })

  await t.check('nothing moves while a call is open; "n new" brings the rest', async () => {
    const count = await mine.count()
    const toggle = mine.first().getByRole('button', { expanded: false }).first()
    await toggle.click()
    await page.getByRole('region', { name: 'properties' }).getByText('step').waitFor()
    await main.getByText('paused', { exact: true }).waitFor()
    await t.send([track({ step: 3 }), track({ step: 4 })])
    const news = page.getByRole('button', { name: '2 new' })
    await news.waitFor()
    t.equal(await mine.count(), count, 'rows while reading')
    await news.click()
    await t.until(async () => (await mine.count()) === count + 2)
    await main.getByText('live', { exact: true }).waitFor()
    t.equal(await news.count(), 0)
  })

  await t.check('pauses and goes on by button and by key', async () => {
    const count = await mine.count()
    await page.getByRole('button', { name: 'Pause' }).click()
    await t.send([track({ step: 5 })])
    await page.getByRole('button', { name: '1 new' }).waitFor()
    t.equal(await mine.count(), count)
    await page.keyboard.press('p')
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    await t.until(async () => (await mine.count()) === count + 1)
  })

  await t.check('pauses while scrolled down, and comes back up with what is new', async () => {
    await t.go('/feed')
    await t.until(async () => (await rows.count()) > 5)
    await page.mouse.move(700, 500)
    await page.mouse.wheel(0, 1500)
    await main.getByText('paused', { exact: true }).waitFor()
    await t.send([track({ step: 6 })])
    const news = page.getByRole('button', { name: /^[\d,]+ new$/ })
    await news.waitFor()
    await news.click()
    t.ok(await page.evaluate(() => scrollY) < 10, 'it did not scroll up')
    await mine.first().waitFor()
  })

  await t.check('a stream that is refused is told, tried again, and nothing is missed', async () => {
    await page.route('**/api/feed/live*', (route) => route.fulfill({ status: 503, headers: { 'retry-after': '1' }, body: '' }))
    await t.go(only)
    await mine.first().waitFor()
    await main.getByText('reconnecting…', { exact: true }).waitFor()
    const count = await mine.count()
    await t.send([track({ step: 7 })])
    t.equal(await mine.count(), count)
    await page.unroute('**/api/feed/live*')
    await t.until(async () => (await mine.count()) === count + 1, 'the call that came meanwhile was never shown')
    await main.getByText('live', { exact: true }).waitFor()
  }, { allow: /503/ })

  await t.check('old calls are fetched while scrolling down', async () => {
    await t.go('/feed')
    await t.until(async () => (await rows.count()) > 5)
    const oldest = async () => (await rows.locator('time').last().getAttribute('datetime')) ?? ''
    const first = await oldest()
    for (let n = 0; n < 6; n += 1) {
      await page.mouse.move(700, 500)
      await page.mouse.wheel(0, 6000)
      await t.until(async () => (await oldest()) !== '')
    }
    await t.until(async () => (await oldest()) < first, 'nothing older came')
    t.ok(await rows.count() < 120, 'rows out of sight have to go')
  })

  await t.check('filters are chosen with suggestions, stand in the address, and are taken away', async () => {
    await t.go('/feed')
    await page.keyboard.press('f')
    const dialog = page.getByRole('dialog', { name: 'Filter the feed' })
    await dialog.getByLabel('Event').fill(event.slice(0, 12))
    await t.until(async () => (await dialog.locator(`datalist option[value="${event}"]`).count()) > 0, 'the event was not suggested')
    await dialog.getByLabel('Event').fill(event)
    await dialog.getByLabel('Type').selectOption('track')
    await dialog.getByLabel('Source').fill(t.source)
    await dialog.getByLabel('Person').fill(`user_id:${user}`)
    await dialog.getByRole('button', { name: 'Show' }).click()
    await t.until(() => page.url().includes('person=user_id'))
    const chips = page.getByRole('list', { name: 'Filters' })
    t.equal(await chips.getByRole('button', { name: /^Remove/ }).count(), 4)
    await t.until(async () => (await rows.count()) > 0 && (await mine.count()) === (await rows.count()), 'other calls are shown')
    const shared = page.url()
    await chips.getByRole('button', { name: 'Remove filter Type' }).click()
    t.ok(!page.url().includes('type='), 'the address keeps the filter')
    await page.goBack()
    await page.goForward()
    await page.goto(shared)
    await t.until(async () => (await mine.count()) > 0)
    await page.getByRole('button', { name: 'Clear all' }).click()
    t.equal(new URL(page.url()).search, '')
  })

  await t.check('a time without calls says so, and what to do', async () => {
    await t.go('/feed?since=2001-01-01T00:00:00.000Z&until=2001-01-02T00:00:00.000Z')
    await page.getByText('No call fits these filters.').waitFor()
    t.equal(await main.getByText('live', { exact: true }).count(), 0, 'the past is not live')
    await page.getByRole('button', { name: 'Take them away' }).click()
    await t.until(async () => (await rows.count()) > 0)
  })

  await t.check('a person that nobody knows is an answer, not a white page', async () => {
    await t.go('/feed?person=user_id:nobody-has-this-id')
    await page.getByRole('alert').first().waitFor()
  })

  const choose = async (row, name) => {
    await row.getByRole('button', { name: /^What to do with/ }).click()
    await page.getByRole('menuitem', { name }).click()
  }

  await t.check('from the row: only this event, only this person, the person', async () => {
    await t.go('/feed')
    await mine.first().waitFor()
    await choose(mine.first(), 'Only this event')
    await t.until(() => page.url().includes('event='))
    await t.until(async () => (await rows.count()) > 0 && (await rows.count()) === (await mine.count()))
    await choose(mine.first(), 'Only this person')
    await page.getByText('Person: Feeda Reader').waitFor()
    await choose(mine.first(), 'Open person')
    await t.until(() => new URL(page.url()).pathname.startsWith('/people/'))
  })

  await t.check('the menu works by keys and gives the focus back', async () => {
    await t.go(only)
    const button = mine.first().getByRole('button', { name: /^What to do with/ })
    await button.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem').first().waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('End')
    await t.until(() => page.evaluate(() => document.activeElement?.textContent?.includes('Copy message id')))
    await page.keyboard.press('Escape')
    t.equal(await page.getByRole('menu').count(), 0)
    t.ok(await button.evaluate((one) => one === document.activeElement), 'the focus is lost')
  })

  await t.check('a copied link shows exactly that call', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await t.go(only)
    await choose(mine.first(), 'Copy link')
    await page.getByText('Link copied.').waitFor()
    const link = await page.evaluate(() => navigator.clipboard.readText())
    await page.goto(link)
    await t.until(async () => (await rows.count()) === 1, 'not exactly one call')
    await page.context().clearPermissions()
  })

  await t.check('a name is hidden from the row and shown again by Undo', async () => {
    await t.go(only)
    await mine.first().waitFor()
    await choose(mine.first(), 'Hide this event name')
    const toast = page.getByRole('status').filter({ hasText: 'Hidden.' })
    await toast.waitFor()
    await t.until(async () => (await mine.count()) === 0, 'its calls are still there')
    t.equal((await t.api('GET', `/api/events?search=${encodeURIComponent(event)}`)).items[0].hidden, true)
    await toast.getByRole('button', { name: 'Undo' }).click()
    await mine.first().waitFor()
    t.equal((await t.api('GET', `/api/events?search=${encodeURIComponent(event)}`)).items[0].hidden, false)
  })

  await t.check('Show Hidden Events shows page views, Hide Hidden Events hides them', async () => {
    const name = t.unique('Hidden Page')
    await t.send([{ type: 'page', userId: user, name, properties: {} }])
    await t.go(`/feed?${new URLSearchParams({ person: `user_id:${user}` })}`)
    await mine.first().waitFor()
    t.equal(await rows.filter({ hasText: name }).count(), 0, 'page views are hidden at first')
    await page.getByRole('button', { name: 'Show Hidden Events' }).click()
    await rows.filter({ hasText: name }).first().waitFor()
    t.ok(page.url().includes('hidden=true'), 'the address says it')
    await t.shot('hidden')
    await page.getByRole('button', { name: 'Hide Hidden Events' }).click()
    await t.until(async () => (await rows.filter({ hasText: name }).count()) === 0)
  })

  await t.check('Event Names: counts, search, a switch that hides', async () => {
    await t.go('/feed')
    await page.getByRole('button', { name: 'Event Names' }).click()
    const dialog = page.getByRole('dialog', { name: 'Event names' })
    await dialog.getByRole('row').nth(3).waitFor()
    await t.shot('event-names')
    await dialog.getByLabel('Search event names').fill(event)
    await t.until(async () => (await dialog.getByRole('row').count()) === 2)
    const turn = dialog.getByRole('switch')
    await turn.click()
    await t.until(async () => (await turn.getAttribute('aria-checked')) === 'false')
    await turn.click()
    await t.until(async () => (await turn.getAttribute('aria-checked')) === 'true')
    await dialog.getByRole('button', { name: event }).click()
    await t.until(() => page.url().includes('event='))
  })

  await t.check('stays quick and small while a thousand calls a second come in', async () => {
    await t.go('/feed')
    await t.until(async () => (await rows.count()) > 5)
    await page.evaluate(() => {
      window.longest = 0
      let last = performance.now()
      const beat = () => {
        const at = performance.now()
        window.longest = Math.max(window.longest, at - last)
        last = at
        requestAnimationFrame(beat)
      }
      requestAnimationFrame(beat)
    })
    for (let second = 0; second < 4; second += 1) {
      await t.send(Array.from({ length: 1000 }, (_, n) => track({ n }, { event: `${event} flood` })))
    }
    await rows.filter({ hasText: 'flood' }).first().waitFor()
    t.ok(await rows.count() < 120, 'only rows in sight may exist')
    console.log(`          the longest frame took ${Math.round(await page.evaluate(() => window.longest))} ms`)
  })

  await t.check('readers see no buttons that would be refused', async () => {
    const reader = await t.reader()
    await t.go(only, reader)
    const row = reader.locator('article').filter({ hasText: event }).first()
    await row.getByRole('button', { name: /^What to do with/ }).click()
    await reader.getByRole('menuitem', { name: 'Only this event' }).waitFor()
    t.equal(await reader.getByRole('menuitem', { name: 'Hide this event name' }).count(), 0)
    await reader.keyboard.press('Escape')
    await reader.getByRole('button', { name: 'Event Names' }).click()
    await reader.getByRole('dialog').getByRole('row').nth(1).waitFor()
    t.equal(await reader.getByRole('switch').count(), 0)
    await reader.context().close()
  })
}
