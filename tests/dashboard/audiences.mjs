// Audiences by class; who is in one now, and who entered and left.
export default async function (t) {
  const { page } = t
  const key = t.unique('vip').replaceAll('-', '_')
  const trait = `${key}_spent`
  const [stays, leaves] = [t.unique('audience-user'), t.unique('audience-user')]
  const personas = (computation_class, computation_key) => ({ personas: { computation_class, computation_key, computation_id: 'aud_1', namespace: 'spa_1', space_id: 'spa_1' } })
  const yesterday = new Date(Date.now() - 86_400_000).toISOString()
  const member = (userId, is, more = {}) => ({ type: 'identify', userId, traits: { [key]: is }, context: personas('audience', key), ...more })
  await t.send([
    { type: 'identify', userId: stays, traits: { name: 'Audi Stays' } },
    { type: 'identify', userId: leaves, traits: { name: 'Audi Leaves' } },
    member(stays, true, { timestamp: yesterday }),
    member(leaves, true, { timestamp: yesterday }),
    member(leaves, false),
    { type: 'identify', userId: stays, traits: { [trait]: 4711 }, context: personas('trait', trait) }
  ])

  await t.check('lists them by class with how many are in each', async () => {
    await t.go('/audiences')
    for (const name of ['Audiences', 'Computed traits']) await page.getByRole('heading', { name, exact: true, level: 2 }).waitFor()
    const row = page.getByRole('region', { name: 'Audiences' }).getByRole('listitem').filter({ hasText: key })
    await row.getByText('1 person').waitFor()
  })
  await t.shot('audiences')
  await t.shot('audiences', { narrow: true })

  await t.check('one shows who is in it now', async () => {
    await page.getByRole('link', { name: key, exact: true }).click()
    await t.until(() => new URL(page.url()).pathname === `/audiences/${key}`)
    await page.getByText('1 person in it now').waitFor()
    const members = page.getByRole('region', { name: 'Members' })
    await members.getByRole('link', { name: 'Audi Stays' }).waitFor()
    t.equal(await members.locator('article').count(), 1)
  })

  await t.check('and who entered and left, with the range in the address', async () => {
    const change = page.getByRole('figure', { name: 'Entered and left per day' }).getByRole('img')
    await t.until(async () => /entered 2; left 1\.$/.test((await change.getAttribute('aria-label')) ?? ''), 'the chart says something else')
    await page.getByRole('figure', { name: /^Change since/ }).getByText('+1', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Week' }).click()
    await t.until(() => page.url().endsWith('?range=week'))
    await page.getByRole('figure', { name: 'Entered and left per hour' }).waitFor()
  })
  await t.shot('audience')
  await t.shot('audience', { narrow: true })

  await t.check('a computed trait shows each value', async () => {
    await t.go(`/audiences/${trait}`)
    await page.getByText('1 person with a value').waitFor()
    await page.getByRole('region', { name: 'Members' }).getByText('4711').waitFor()
    t.equal(await page.getByRole('figure').count(), 0, 'charts of a trait')
  })

  await t.check('is searched in the address', async () => {
    await t.go('/audiences')
    await page.getByRole('link', { name: key, exact: true }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(trait)
    await t.until(() => page.url().includes('search='))
    await page.getByRole('link', { name: key, exact: true }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: trait, exact: true }).waitFor()
  })

  await t.check('an audience that is not there says so', async () => {
    await t.go('/audiences/nobody_was_ever_here')
    await page.getByText('There is no audience with this key.').waitFor()
  })
}
