// All pages together: light, dark and narrow; hostile data; keys only; readers; nothing from elsewhere.
export default async function (t) {
  const { page } = t

  const payload = (n) => `<img src=x onerror="alert(${n})"><script>alert(${n})</script>"'><svg/onload=alert(${n})>{{${n}}}\${alert(${n})}`
  const hostile = t.unique('"><img src=x onerror=alert(1)>')
  const group = t.unique('<b onmouseover=alert(2)>group</b>')
  const event = t.unique('<script>alert(3)</script>')
  const audience = t.unique('aud<svg onload=alert(4)>')
  const traits = {
    name: payload(5),
    email: `"><script>alert(6)</script>${t.unique('x')}@example.com`,
    phone: 'javascript:alert(7)',
    avatar: 'javascript:alert(8)',
    website: 'javascript:alert(9)',
    [payload(10)]: payload(11),
    nested: { [payload(12)]: [payload(13), 'data:text/html,<script>alert(14)</script>'] }
  }
  await t.send([
    { type: 'identify', userId: hostile, anonymousId: payload(15), traits },
    { type: 'group', userId: hostile, groupId: group, traits: { name: payload(16), website: 'javascript:alert(17)' } },
    { type: 'track', userId: hostile, event, properties: { [payload(18)]: payload(19), url: 'javascript:alert(20)' }, context: { groupId: group, page: { url: 'javascript:alert(21)', title: payload(22) } } },
    { type: 'page', userId: hostile, name: payload(23), properties: { url: 'javascript:alert(24)', title: payload(25) } },
    { type: 'screen', userId: hostile, name: payload(26) },
    { type: 'alias', userId: hostile, previousId: t.unique(payload(27)) },
    { type: 'track', userId: hostile, event: 'Order Completed', properties: { order_id: payload(28), revenue: payload(29), currency: payload(30), products: [{ name: payload(31), image_url: 'javascript:alert(32)' }] } },
    { type: 'track', userId: hostile, event: 'Audience Entered', properties: { audience_key: audience, audience_name: payload(33), [audience]: true }, context: { personas: { computation_class: 'audience', computation_key: audience } } },
    { type: 'identify', userId: hostile, traits: { [audience]: true }, context: { personas: { computation_class: 'audience', computation_key: audience } } },
    { type: 'identify', userId: t.unique('rtl'), traits: { name: 'محمد عبد الله‎ (‮evil‬)', email: `${t.unique('rtl')}@example.com` } },
    { type: 'identify', userId: t.unique('long'), traits: { name: 'Ä'.repeat(1000), email: `${'x'.repeat(60)}${t.unique('l')}@example.com` } }
  ])
  const { id } = await t.api('GET', `/api/people/${encodeURIComponent(`user_id:${hostile}`)}`)
  const places = [
    ['overview', '/'],
    ['people', '/people'],
    ['people-hostile', `/people?${new URLSearchParams({ search: 'alert' })}`],
    ['person', `/people/${encodeURIComponent(id)}`],
    ['groups', '/groups'],
    ['group', `/groups/${encodeURIComponent(group)}`],
    ['audiences', '/audiences'],
    ['audience', `/audiences/${encodeURIComponent(audience)}`],
    ['feed', '/feed?hidden=true'],
    ['feed-hostile', `/feed?${new URLSearchParams({ person: id, group, event, hidden: 'true' })}`],
    ['sources', '/sources'],
    ['debugger', '/sources?tab=debugger'],
    ['tokens', '/sources?tab=tokens'],
    ['relay', '/relay'],
    ['nothing', '/relay/no/such']
  ]

  let asked = 0
  page.on('request', (request) => { asked += request.url().includes('/api/') ? 1 : 0 })
  for (const [name, path] of places) {
    asked = 0
    await t.check(`${name} is there`, async () => {
      await t.go(path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      t.ok((await page.title()).endsWith('Roundtower'), await page.title())
      await settled(t, page)
    })
    await t.shot(name)
    await t.shot(name, { narrow: true })
    // What asks because it was answered asks hundreds of times in the seconds that the pictures take.
    await t.check(`${name} asks the server for little`, () => t.ok(asked < 60, `${asked} requests`))
  }

  await t.check('hostile data is text: shown as it was sent, with no element and no link made of it', async () => {
    await t.go(`/feed?${new URLSearchParams({ person: id, hidden: 'true' })}`)
    const rows = page.getByRole('region', { name: 'Calls' }).locator('article')
    await t.until(async () => (await rows.count()) >= 4)
    for (let n = 0; n < 4; n += 1) {
      const toggle = rows.nth(n).getByRole('button').first()
      await toggle.click()
      await rows.nth(n).getByRole('region', { name: 'context' }).waitFor()
      await innocent(t, page)
      await toggle.click()
    }
  })

  await t.check('the debugger shows hostile bodies as text', async () => {
    const source = t.unique('hostile')
    const { write_key: key } = await t.api('POST', '/api/sources', { name: source, kind: 'server', merges: 'all' })
    await fetch(`${t.base}/v1/track`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${key}:`)}` },
      body: JSON.stringify({ event: payload(41), properties: { [payload(42)]: payload(43) } })
    })
    await t.go(`/sources?tab=debugger&source=${source}&verdict=rejected`)
    const row = page.getByRole('region', { name: 'Calls as they come in' }).locator('article').first()
    await row.getByRole('button').first().click()
    await row.getByRole('region', { name: 'body' }).getByText('alert(43)').first().waitFor()
    await innocent(t, page)
  })

  await t.check('keys alone: from the list to a person and back', async () => {
    await t.go('/')
    await page.keyboard.press('g')
    await page.keyboard.press('p')
    await t.until(() => new URL(page.url()).pathname === '/people')
    await page.locator('main a[href^="/people/"]').first().waitFor()
    const stops = []
    for (let n = 0; n < 80; n += 1) {
      await page.keyboard.press('Tab')
      const stop = await page.evaluate(() => {
        const at = document.activeElement
        // A row may show it around all of itself, by a layer of the link.
        const rings = at ? [null, '::before', '::after'].map((part) => getComputedStyle(at, part).outlineStyle) : []
        return { tag: at?.tagName, type: at?.getAttribute('type'), href: at?.getAttribute('href'), ring: rings.find((one) => one !== 'none') ?? 'none' }
      })
      t.ok(stop.tag === 'BODY' || stop.ring !== 'none', `the focus on ${JSON.stringify(stop)} cannot be seen`)
      stops.push(stop)
      if (/^\/people\/./.test(stop.href ?? '')) break
    }
    t.ok(stops[0]?.href === '#content', 'the first stop skips to the content')
    t.ok(stops.some((stop) => stop.tag === 'INPUT'), 'Tab never reached the search')
    t.ok(/^\/people\/./.test(stops.at(-1)?.href ?? ''), 'Tab never reached a person')
    await page.keyboard.press('Enter')
    await t.until(() => /^\/people\/./.test(new URL(page.url()).pathname), 'Enter did not open the person')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.goBack()
    await t.until(() => new URL(page.url()).pathname === '/people')
    await page.keyboard.press('?')
    const dialog = page.getByRole('dialog', { name: 'Keys' })
    await dialog.getByText('Go to People').waitFor()
    await page.keyboard.press('Escape')
    t.equal(await page.getByRole('dialog').count(), 0)
  })

  await t.check('a telephone gets every page without scrolling sideways', async () => {
    const small = await t.narrow()
    for (const [, path] of places) {
      await t.go(path, small)
      await small.getByRole('heading', { level: 1 }).waitFor()
      await settled(t, small)
      t.ok(await small.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), path)
    }
    await small.context().close()
  })

  await t.check('readers see no button that would be refused', async () => {
    const reader = await t.reader()
    const orders = /^(Merge|Erase|Undo|Rotate|Revoke|Disable|Generate Token|Add a token|Send a test call|Pause delivery|Redeliver|Backfill)/
    const refused = []
    reader.on('response', (answer) => {
      if (answer.status() === 403) refused.push(answer.url())
    })
    for (const [, path] of places) {
      await t.go(path, reader)
      await reader.getByRole('heading', { level: 1 }).waitFor()
      await settled(t, reader)
      const offered = await reader.getByRole('button', { name: orders }).allInnerTexts()
      t.equal(offered, [], path)
    }
    t.equal(refused, [], 'asked and refused:')
    await reader.context().close()
  })

  await t.check('nobody gets in without a token, and Log out ends it', async () => {
    const stranger = await t.visitor()
    await stranger.goto(`${t.base}/people?search=ada`)
    await stranger.getByLabel('API token').fill('no-such-token')
    await stranger.getByRole('button', { name: 'Log in' }).click()
    await stranger.getByRole('alert').getByText('This token is not known.').waitFor()
    await t.shot('login', { page: stranger })
    await stranger.context().close()
    const guest = await t.reader()
    await guest.getByRole('button', { name: 'Log out' }).click()
    await guest.getByLabel('API token').waitFor()
    await guest.goto(`${t.base}/feed`)
    await guest.getByLabel('API token').waitFor()
    t.ok(new URL(guest.url()).searchParams.get('to') === '/feed', 'the way back is lost')
    await guest.context().close()
  })
}

/// Waits until nothing is loading.
async function settled (t, page) {
  await t.until(async () => (await page.locator('[aria-busy="true"]').count()) === 0, 'it never ended loading')
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
}

/// No element and no link may stand on the page that data made.
async function innocent (t, page) {
  const found = await page.evaluate(() => [...document.querySelectorAll('img, script, a, iframe, object, embed, [onerror], [onload], [onmouseover]')]
    .filter((one) => {
      const place = one.getAttribute('src') ?? one.getAttribute('href') ?? ''
      return [...one.attributes].some((attribute) => attribute.name.startsWith('on')) || /^(javascript|data:text)/i.test(place) || place === 'x'
    })
    .map((one) => one.outerHTML.slice(0, 200)))
  t.equal(found, [], 'made of data:')
}
