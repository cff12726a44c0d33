// Groups: searched, sorted and walked by keys; a group with its people, traits and timeline; hostile names stay text.
export default async function (t) {
  const { page } = t
  const rows = page.getByRole('region', { name: 'Groups' }).locator('article')
  const id = t.unique('group/with slash')
  const hostile = `${t.unique('Evil')} <img src=x onerror=alert(1)>`
  const [one, two] = [t.unique('group-user'), t.unique('group-user')]
  const traits = {
    name: hostile,
    html: '"><script>alert(1)</script>',
    link: 'javascript:alert(1)',
    big: 'x'.repeat(20_000),
    address: { city: 'Köln', lines: ['a', 'b'] },
    'naïve <b>key</b>': 'مرحبا'
  }
  await t.send([
    { type: 'identify', userId: one, traits: { name: 'Grupa One' } },
    { type: 'identify', userId: two, traits: { name: 'שם <svg onload=alert(1)>' } },
    { type: 'group', userId: one, groupId: id, traits },
    { type: 'group', userId: two, groupId: id, traits: { plan: 'team' } },
    { type: 'track', userId: one, event: 'Group Event', context: { groupId: id } },
    { type: 'track', userId: two, event: 'Group Event', properties: { k: 2 }, context: { groupId: id } },
    { type: 'screen', userId: one, name: 'Group Screen', context: { groupId: id } }
  ])

  await t.check('lists groups, the one seen last first', async () => {
    await t.go('/groups')
    await rows.first().waitFor()
    await t.until(async () => (await rows.count()) > 3, 'the groups of the demo are missing')
  })
  await t.shot('groups')
  await t.shot('groups', { narrow: true })

  await t.check('sorts, in the address', async () => {
    await page.getByRole('button', { name: 'Members' }).click()
    await t.until(() => new URL(page.url()).searchParams.get('sort') === 'members')
    const wanted = (await t.api('GET', '/api/groups?sort=members&order=desc&limit=3')).items.map(({ members }) => members)
    await t.until(async () => JSON.stringify((await rows.locator('.members').allInnerTexts()).slice(0, 3).map((text) => parseInt(text.replace(/\D/g, ''), 10))) === JSON.stringify(wanted), 'they are not sorted by members')
    await page.getByRole('button', { name: 'Members' }).click()
    await t.until(() => new URL(page.url()).searchParams.get('order') === 'asc')
    await page.getByRole('button', { name: 'Name' }).click()
    await t.until(() => new URL(page.url()).searchParams.get('sort') === 'name')
  })

  await t.check('searches while typing, and Enter opens the first, by keys alone', async () => {
    await t.go('/groups')
    await rows.first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(hostile.split(' ')[0])
    await t.until(async () => (await rows.count()) === 1 && (await rows.first().innerText()).includes(hostile), 'the group is not found')
    t.ok(page.url().includes('search='), 'the search is not in the address')
    await page.keyboard.press('Enter')
    await t.until(() => page.url().includes(`/groups/${encodeURIComponent(id)}`))
    await page.getByRole('heading', { name: hostile }).waitFor()
  })

  await t.check('shows who is in it, and leads to them', async () => {
    const members = page.getByRole('region', { name: 'Members' })
    await members.getByRole('link', { name: 'Grupa One' }).waitFor()
    t.equal(await members.locator('article').count(), 2)
    await members.getByRole('link', { name: 'Grupa One' }).click()
    await t.until(() => new URL(page.url()).pathname.startsWith('/people/'))
    await page.goBack()
    await members.getByRole('link', { name: 'Grupa One' }).waitFor()
  })
  await t.shot('group')
  await t.shot('group', { narrow: true })

  await t.check('shows its timeline by day, filtered by type', async () => {
    await page.getByRole('button', { name: 'Timeline' }).click()
    const calls = page.getByRole('region', { name: 'Timeline' })
    await calls.getByRole('heading', { name: 'Today' }).waitFor()
    const before = await calls.locator('article').count()
    t.equal(before, 5, 'calls of the group')
    await page.getByLabel('Type').selectOption('track')
    await t.until(() => new URL(page.url()).searchParams.get('type') === 'track')
    await t.until(async () => (await calls.locator('article').count()) === 2, 'two track calls were sent')
    await calls.locator('article').first().getByRole('button', { expanded: false }).click()
    await calls.getByText('Message id').waitFor()
  })
  await t.shot('group-timeline')

  await t.check('shows its traits as text, long ones in part', async () => {
    await page.getByRole('button', { name: /^Traits/ }).click()
    const box = page.getByRole('region', { name: 'Traits' })
    await box.getByText('"><script>alert(1)</script>').waitFor()
    await box.getByText('javascript:alert(1)').waitFor()
    t.equal(await box.locator('a[href^="javascript"]').count(), 0)
    await box.locator('article').filter({ hasText: 'xxxx' }).getByRole('button', { name: /Show all/ }).click()
    t.ok((await box.getByRole('region', { name: 'big' }).innerText()).length > 10_000, 'the long value was not opened')
  })
  await t.shot('group-traits', { narrow: true })

  await t.check('a group that is not there says so', async () => {
    await t.go('/groups/no-such-group')
    await page.getByText('There is no group with this id.').waitFor()
  })
  await t.check('a search without results offers the way back', async () => {
    await t.go('/groups?search=zzzz-nothing-has-this-name')
    await page.getByRole('button', { name: 'Show all groups' }).click()
    await t.until(async () => (await rows.count()) > 3)
  })
}
