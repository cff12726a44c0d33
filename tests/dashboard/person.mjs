// The page of one person: what they did, what is known, why their ids are one; merging, undoing, looking back, erasing.

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString()
const DAY = 24 * 60
const personas = (computation_class, computation_key) => ({ personas: { computation_class, computation_key, computation_id: 'aud_1', space_id: 'spa_1', namespace: 'spa_1' } })

export default async function (t) {
  const { page } = t
  const id = t.unique('ada')
  const old = `${id}-old`
  const twin = `${id}-twin`
  const device = `${id}-device`
  const email = `${id}@example.com`
  const phone = `+44 ${Date.now()}`
  await t.send([
    { type: 'identify', userId: old, traits: { name: `Former ${id}`, plan: 'legacy' }, timestamp: ago(20 * DAY) },
    { type: 'track', anonymousId: device, event: 'Song Played', timestamp: ago(9 * DAY) },
    { type: 'identify', userId: id, anonymousId: device, traits: { name: `Ada ${id}`, email, phone, plan: 'free', address: { city: 'London' }, site: 'https://example.com/ada', evil: 'javascript:alert(1)', bio: 'long '.repeat(2000) }, timestamp: ago(8 * DAY) },
    { type: 'group', userId: id, groupId: `${id}-group`, traits: { name: `Group ${id}` }, timestamp: ago(8 * DAY) },
    { type: 'identify', userId: id, traits: { plan: 'pro' }, timestamp: ago(DAY) },
    { type: 'identify', userId: id, traits: { [`buyers_${id}`]: true }, context: personas('audience', `buyers_${id}`), timestamp: ago(DAY) },
    { type: 'identify', userId: id, traits: { [`risk_${id}`]: false }, context: personas('audience', `risk_${id}`), timestamp: ago(DAY) },
    { type: 'identify', userId: id, traits: { spent: 812.5 }, context: personas('trait', 'spent'), timestamp: ago(DAY) },
    { type: 'alias', userId: id, previousId: old, timestamp: ago(7 * DAY) },
    { type: 'alias', userId: id, previousId: `${id}-reserved`, timestamp: ago(6 * DAY) },
    { type: 'identify', userId: twin, anonymousId: device, traits: { name: `Twin ${id}`, email, plan: 'team' }, timestamp: ago(2 * DAY) },
    { type: 'group', userId: twin, groupId: `${id}-other`, traits: { name: `Other ${id}` }, timestamp: ago(2 * DAY) },
    { type: 'track', userId: id, event: `Danced ${id}`, properties: { steps: 3 }, timestamp: ago(1) },
  ])
  const person = await t.api('GET', `/api/people/user_id:${id}`)
  const other = await t.api('GET', `/api/people/user_id:${twin}`)
  await t.until(async () => (await t.api('GET', `/api/people/count?search=${id}`)).count === 2)
  const home = `/people/${person.id}`
  const heading = (name) => page.getByRole('heading', { level: 1, name }).waitFor()
  const dialog = page.getByRole('dialog')
  const card = page.getByRole('region', { name: 'Who' })

  await t.check('person: the card says who it is', async () => {
    await t.go(home)
    await heading(`Ada ${id}`)
    for (const text of [email, phone, `Group ${id}`, `buyers_${id}`, '812.5']) await card.getByText(text, { exact: true }).waitFor()
    t.ok(/left/.test(await card.getByRole('link', { name: `risk_${id}` }).innerText()), 'an audience that was left is marked')
    await card.getByRole('img', { name: /calls in .* Most in/ }).waitFor()
    await t.shot('person')
    await t.shot('person', { narrow: true })
  })

  await t.check('person: a user id, a former id and an email lead to the same address', async () => {
    for (const way of [`user_id:${id}`, `user_id:${old}`, `anonymous_id:${device}`]) {
      await t.go(`/people/${encodeURIComponent(way)}?tab=traits`)
      await t.until(() => page.url().endsWith(`${home}?tab=traits`))
    }
    await t.go(`/people/${encodeURIComponent(`email:${old}@nowhere.example`)}`)
    await page.getByText('Nobody has this id.').waitFor()
    await t.shot('person-nobody')
  })

  await t.check('person: the timeline is by day, filtered, and opens each call', async () => {
    await t.go(home)
    const timeline = page.getByRole('region', { name: 'Timeline' })
    await timeline.getByRole('heading', { name: /Today|Yesterday/ }).first().waitFor()
    await timeline.getByRole('button', { name: `Danced ${id}` }).click()
    await timeline.getByText('"steps"').waitFor()
    await page.getByLabel('Type').selectOption('alias')
    await t.until(async () => (await timeline.getByRole('article').count()) === 1)
    t.equal(new URL(page.url()).searchParams.get('type'), 'alias')
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByRole('combobox', { name: 'Event name' }).fill(`Danced ${id}`)
    await page.keyboard.press('Enter')
    await t.until(async () => (await timeline.getByRole('article').count()) === 1)
  })

  await t.check('person: traits are shown as what they are, with what they were before', async () => {
    await t.go(`${home}?tab=traits`)
    const traits = page.getByRole('region', { name: 'Traits' })
    await traits.getByRole('link', { name: 'https://example.com/ada' }).waitFor()
    t.equal(await traits.getByRole('link', { name: /javascript/ }).count(), 0)
    const plan = traits.getByRole('article').filter({ has: page.getByRole('heading', { name: 'plan', exact: true }) })
    await plan.getByRole('button', { name: /earlier value/ }).click()
    await plan.getByText('free', { exact: true }).waitFor()
    await plan.getByText('legacy', { exact: true }).waitFor()
    await traits.getByRole('button', { name: 'Show all 10 kB' }).click()
    await traits.getByRole('button', { name: '{ city }' }).click()
    await traits.getByText('"London"').waitFor()
    await t.shot('person-traits')
    await plan.getByRole('button', { name: 'a call' }).first().click()
    await dialog.getByText('As it was sent').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('/')
    await page.keyboard.type('london')
    await t.until(async () => (await traits.getByRole('article').count()) === 1)
  })

  await t.check('person: each id says why it belongs here, and what was refused says why not', async () => {
    await t.go(home)
    await heading(`Ada ${id}`)
    await page.keyboard.press('3')
    const why = page.getByRole('region', { name: 'Why these ids are one person' })
    await why.getByText('Signed in: one call named').waitFor()
    await why.getByText('Renamed: an alias said that').waitFor()
    await why.getByText('goes by this').waitFor()
    await page.getByRole('region', { name: 'Reserved ids' }).getByText(`${id}-reserved`).waitFor()
    await page.getByRole('region', { name: 'Not joined' }).getByText('Shared device').waitFor()
    await page.getByRole('region', { name: 'Possible duplicates' }).getByText(`Twin ${id}`).waitFor()
    await t.shot('person-ids')
    await t.shot('person-ids', { narrow: true })
    await why.getByRole('button', { name: 'See the call' }).first().click()
    await dialog.getByText('In the profile').waitFor()
    await dialog.getByText('"messageId"').waitFor()
    await t.shot('person-call')
    await page.keyboard.press('Escape')
  })

  await t.check('person: a merge is shown before it is made, and undone from its message', async () => {
    const before = JSON.stringify(await t.api('GET', `/api/people/${person.id}`))
    await t.go(`${home}?tab=ids`)
    await page.getByRole('region', { name: 'Possible duplicates' }).getByRole('button', { name: 'Merge…' }).click()
    await dialog.getByRole('row', { name: /plan.*team.*pro/ }).waitFor()
    await dialog.getByText('Afterwards').waitFor()
    await t.shot('person-merge')
    await dialog.getByRole('button', { name: 'Swap who survives' }).click()
    await dialog.getByRole('row', { name: /plan.*pro.*team/ }).waitFor()
    await dialog.getByRole('button', { name: 'Swap who survives' }).click()
    await dialog.getByRole('row', { name: /plan.*team.*pro/ }).waitFor()
    await dialog.getByRole('button', { name: 'Merge', exact: true }).click()
    const why = page.getByRole('region', { name: 'Why these ids are one person' })
    await why.getByText('Merged by hand').waitFor()
    t.equal((await t.api('GET', `/api/people/user_id:${twin}`)).id, person.id)
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    await page.getByText('The merge is undone').waitFor()
    await page.getByRole('region', { name: 'Taken back' }).getByText('Merged by hand').waitFor()
    t.equal((await t.api('GET', `/api/people/user_id:${twin}`)).id, other.id)
    t.equal(JSON.stringify(await t.api('GET', `/api/people/${person.id}`)), before)
  })

  await t.check('person: the other one is found by search, and the undo stands at the link too', async () => {
    // The search learns of the undo a moment after the views.
    await t.until(async () => (await t.api('GET', `/api/people?search=${twin}`)).items.map((one) => one.id).join() === other.id)
    await t.go(home)
    await heading(`Ada ${id}`)
    await page.keyboard.press('m')
    await dialog.getByRole('searchbox', { name: 'With whom?' }).fill(twin)
    await dialog.getByRole('button', { name: `Twin ${id}` }).click()
    await dialog.getByRole('button', { name: 'Merge', exact: true }).click()
    await page.getByText('Merged into').waitFor()
    await page.keyboard.press('3')
    const why = page.getByRole('region', { name: 'Why these ids are one person' })
    await why.getByText('Merged by hand').waitFor()
    await why.getByRole('listitem').filter({ hasText: 'Merged by hand' }).getByRole('button', { name: 'Undo…' }).click()
    await dialog.getByText(twin).waitFor()
    await t.shot('person-undo')
    await dialog.getByRole('button', { name: 'Undo the link' }).click()
    await page.getByText('They are two people again.').waitFor()
    t.equal((await t.api('GET', `/api/people/user_id:${twin}`)).id, other.id)
  })

  await t.check('person: the past is marked, and nothing can be ordered there', async () => {
    const then = new Date().toISOString()
    // What comes in the same millisecond still belongs to that moment.
    await t.until(async () => Date.now() > Date.parse(then))
    await t.send([{ type: 'identify', userId: id, traits: { name: `Renamed ${id}` } }])
    await t.go(`${home}?as_of=${then}`)
    await heading(`Ada ${id}`)
    await page.getByText(/^Profile as of/).waitFor()
    t.equal(await page.getByRole('button', { name: /Merge…|Erase…/ }).count(), 0)
    await t.shot('person-past')
    await page.getByRole('button', { name: 'Back to now' }).first().click()
    await heading(`Renamed ${id}`)
    await page.keyboard.press('t')
    await page.getByLabel('As of', { exact: true }).fill('2001-01-01T00:00:00')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByText('This person was not known yet.').waitFor()
  })

  await t.check('person: who may only read sees no orders', async () => {
    const reader = await t.reader()
    await reader.goto(`${t.base}${home}?tab=ids`)
    await reader.getByText('Signed in: one call named').waitFor()
    t.equal(await reader.getByRole('button', { name: /Merge|Erase|Undo/ }).count(), 0)
    await reader.context().close()
  })

  await t.check('person: ten thousand calls scroll smoothly', async () => {
    const busy = t.unique('busy')
    const calls = Array.from({ length: 10_000 }, (_, n) => ({ type: 'track', userId: busy, event: `Event ${n % 7}`, timestamp: ago(n * 5) }))
    // A request takes 2,500 of them at most.
    for (let first = 0; first < calls.length; first += 1000) await t.send(calls.slice(first, first + 1000))
    await t.go(`/people/user_id:${busy}`)
    await page.getByRole('region', { name: 'Timeline' }).getByRole('article').first().waitFor()
    for (let round = 0; round < 12; round += 1) {
      const height = await page.evaluate(() => (scrollTo(0, document.documentElement.scrollHeight), document.documentElement.scrollHeight))
      await t.until(() => page.evaluate((former) => document.documentElement.scrollHeight > former, height))
    }
    t.ok((await page.getByRole('article').count()) < 100, 'only the rows in sight exist')
    await t.shot('person-busy')
  })

  await t.check('person: erasing wants the name typed, and leads back to the list', async () => {
    const gone = t.unique('gone')
    await t.send([{ type: 'identify', userId: gone, traits: { name: `Gone ${gone}` } }])
    await t.go(`/people/user_id:${gone}`)
    await page.getByRole('button', { name: 'Erase…' }).click()
    const erase = dialog.getByRole('button', { name: 'Erase for good' })
    t.ok(await erase.isDisabled(), 'nothing is erased without the name')
    await dialog.getByRole('textbox').fill('somebody else')
    t.ok(await erase.isDisabled(), 'nor with another')
    await t.shot('person-erase')
    await dialog.getByRole('textbox').fill(gone)
    await dialog.getByLabel('Refuse what comes later').check()
    await erase.click()
    await dialog.getByText(/^Erased, with/).waitFor()
    await dialog.getByRole('button', { name: 'Back to People' }).click()
    await heading('People')
    await t.go(`/people/user_id:${gone}`)
    await page.getByText('Nobody has this id.').waitFor()
  })
}
