// The list of people: found as one types, narrowed by chips that live in the address, walked by keys, taken along as a table.

const query = (parameters) => new URLSearchParams(parameters).toString()

export default async function (t) {
  const { page } = t
  const word = t.unique('zebra').replace(/[^a-z0-9]/g, '')
  const group = t.unique('group')
  const nameless = t.unique('nameless')
  const names = ['Ada', 'Bea', 'Cyd']
  await t.send([
    ...names.map((name, n) => ({
      type: 'identify',
      userId: `${word}-${n}`,
      traits: { name: `${name} ${word}`, email: `${name.toLowerCase()}@${word}.example`, plan: n ? 'pro' : 'free', seats: n * 10 },
    })),
    { type: 'group', userId: `${word}-1`, groupId: group, traits: { name: `Group ${word}` } },
    { type: 'track', userId: `${word}-2`, event: `Danced ${word}` },
    { type: 'track', anonymousId: `${word}-visitor`, event: `Danced ${word}` },
    { type: 'identify', userId: nameless, traits: { plan: word } },
  ])
  // The search knows a person a moment after the lists do.
  const known = (search, wanted) => t.until(async () => (await t.api('GET', `/api/people/count?${query({ search })}`)).count === wanted)
  await known(word, 3)
  const list = page.getByRole('region', { name: 'People', exact: true })
  const rows = list.getByRole('article')
  const search = page.getByRole('searchbox', { name: 'Search people' })
  const shows = (wanted) => t.until(async () => JSON.stringify((await rows.locator('[data-row]').allInnerTexts()).sort()) === JSON.stringify([...wanted].sort()))
  const all = names.map((name) => `${name} ${word}`)

  await t.check('people: the list says how many there are, and shows them', async () => {
    await t.go('/people')
    await page.getByText(/^[\d,.\s]+ people$/).waitFor()
    await rows.first().waitFor()
    await t.shot('people')
    await t.shot('people', { narrow: true })
  })

  await t.check('people: `/` searches as one types, and the address keeps it', async () => {
    await t.go('/people')
    await rows.first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(word)
    await shows(all)
    await page.getByText('3 people', { exact: true }).waitFor()
    t.equal(new URL(page.url()).searchParams.get('search'), word)
    await page.reload()
    await shows(all)
    await page.keyboard.press('/')
    await page.keyboard.press('Escape')
    await t.until(() => !new URL(page.url()).searchParams.has('search'))
  })

  await t.check('people: keys walk through the list and open a person', async () => {
    await t.go(`/people?${query({ search: word, sort: 'name' })}`)
    await shows(all)
    await page.keyboard.press('/')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('j')
    await t.until(async () => (await page.locator(':focus').innerText()) === all[1])
    await page.keyboard.press('k')
    await page.keyboard.press('k')
    await t.until(() => search.evaluate((field) => field === document.activeElement))
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: all[1] }).waitFor()
    await page.goBack()
    await shows(all)
  })

  await t.check('people: filters become chips and can be taken away again', async () => {
    await t.go(`/people?${query({ search: word })}`)
    await shows(all)
    await page.getByRole('button', { name: 'Filter', exact: true }).click()
    const form = page.getByRole('form', { name: 'Add a filter' })
    await form.getByLabel('Filter by').selectOption('trait')
    await form.getByLabel('Name of the trait').fill('seats')
    await form.getByLabel('Compare').selectOption('gt')
    await form.getByLabel('Value', { exact: true }).fill('5')
    await form.getByRole('button', { name: 'Add' }).click()
    await shows([all[1], all[2]])
    await page.getByRole('button', { name: 'Filter', exact: true }).click()
    await form.getByLabel('Filter by').selectOption('group')
    await form.getByLabel('Value', { exact: true }).fill(group)
    await form.getByRole('button', { name: 'Add' }).click()
    await shows([all[1]])
    const chips = page.getByRole('list', { name: 'Filters' })
    t.equal(await chips.getByRole('listitem').count(), 3)
    await t.shot('people-filters')
    await chips.getByRole('button', { name: /Remove the filter seats/ }).click()
    await shows([all[1]])
    await chips.getByRole('button', { name: /Remove the filter Group/ }).click()
    await shows(all)
  })

  await t.check('people: the event that somebody did, and visitors when asked for', async () => {
    await t.go(`/people?${query({ event: `Danced ${word}` })}`)
    await shows([all[2]])
    await page.getByLabel('Anonymous visitors').selectOption('only')
    await t.until(async () => (await rows.count()) === 1 && /visitor/i.test(await rows.first().innerText()))
    await page.getByText('1 visitor', { exact: true }).waitFor()
    await page.getByLabel('Anonymous visitors').selectOption('true')
    await t.until(async () => (await rows.count()) === 2)
  })

  await t.check('people: incomplete ones, by the id that they have', async () => {
    await t.go(`/people?${query({ 'trait.plan': word })}`)
    await shows([nameless])
    await rows.getByText('incomplete').waitFor()
    await page.getByRole('button', { name: 'Incomplete' }).click()
    await shows([nameless])
    t.equal(new URL(page.url()).searchParams.get('incomplete'), 'true')
  })

  await t.check('people: the order turns', async () => {
    await t.go(`/people?${query({ search: word })}`)
    await page.getByLabel('Sort').selectOption('name')
    await t.until(async () => (await rows.locator('[data-row]').allInnerTexts()).join() === all.join())
    await page.getByRole('button', { name: /turn the order/ }).click()
    await t.until(async () => (await rows.locator('[data-row]').allInnerTexts()).join() === [...all].reverse().join())
  })

  await t.check('people: nobody matches, and the way back', async () => {
    await t.go(`/people?${query({ search: `${word}nobody` })}`)
    await page.getByText('Nobody matches.').waitFor()
    await t.shot('people-nobody')
    await page.getByRole('button', { name: 'Clear search and filters' }).click()
    await rows.first().waitFor()
    t.equal(new URL(page.url()).search, '')
  })

  await t.check('people: the table holds the people of the list', async () => {
    await t.go(`/people?${query({ search: word, sort: 'name' })}`)
    await shows(all)
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()])
    let text = ''
    for await (const part of await download.createReadStream()) text += part
    const lines = text.trim().split(/\r?\n/)
    t.equal(lines.length, 4)
    t.ok(all.every((name, n) => lines[n + 1].includes(name)), `the rows are those of the list: ${text}`)
  })

  await t.check('people: a narrow screen shows two lines and does not scroll sideways', async () => {
    const narrow = await t.narrow()
    await narrow.goto(`${t.base}/people?${query({ search: word })}`)
    await narrow.getByRole('article').first().waitFor()
    t.ok(await narrow.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is as wide as the screen')
    await narrow.context().close()
  })

  await t.check('people: markup in every field stays text, long and foreign names stay in their row', async () => {
    const evil = t.unique('evil')
    await t.send([
      { type: 'identify', userId: `<img src=x onerror=alert(1)> ${evil}`, traits: { name: `<script>alert(2)</script> ${evil}`, email: `"><svg/onload=alert(3)>@${evil}.example`, avatar: 'javascript:alert(4)' } },
      { type: 'group', userId: `<img src=x onerror=alert(1)> ${evil}`, groupId: `<b>${evil}`, traits: { name: '<iframe src=javascript:alert(5)>' } },
      { type: 'identify', userId: `${evil}-long`, traits: { name: `${evil} ${'very '.repeat(200)}long` } },
      { type: 'identify', userId: `${evil}-rtl`, traits: { name: `مريم ${evil} 👩‍🚀` } },
    ])
    await known(evil, 3)
    await t.go(`/people?${query({ search: evil })}`)
    await t.until(async () => (await rows.count()) === 3)
    await page.getByText(`<script>alert(2)</script> ${evil}`).waitFor()
    t.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'a long name does not widen the page')
    await t.shot('people-odd-names')
  })
}
