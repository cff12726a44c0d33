// Sources: a key and its first call, snippets, keys that turn, the debugger, tokens.
export default async function (t) {
  const { page } = t
  const dialog = page.getByRole('dialog')
  const source = t.unique('shop')
  const line = (name) => page.getByRole('button', { expanded: false }).filter({ hasText: name })
  const opened = (name) => page.locator('article').filter({ has: page.getByRole('button', { expanded: true }).filter({ hasText: name }) })
  const confirm = async (name) => dialog.getByRole('button', { name, exact: true }).click()
  const call = (key, body) => fetch(`${t.base}/v1/track`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${key}:`)}` },
    body: typeof body === 'string' ? body : JSON.stringify(body)
  })
  let key = ''

  await t.check('Generate Token makes a source, shows its key once, and waits for its first call', async () => {
    await t.go('/sources')
    await page.getByRole('button', { name: 'Generate Token' }).click()
    await t.shot('generate-token')
    await dialog.getByLabel('Name').fill(source)
    await dialog.getByLabel('Anonymous ids only').check()
    await dialog.getByRole('button', { name: 'Generate Token' }).click()
    await dialog.getByText('Waiting for the first call...').waitFor()
    key = await dialog.locator('code').first().innerText()
    t.ok(/^\S{20,}$/.test(key), `no key: ${key}`)
    await t.shot('first-call')
    const refused = await call(key, { event: 'Nobody' })
    t.equal(refused.status, 200)
    await dialog.getByText('A call came and was rejected').waitFor()
    await call(key, { userId: t.unique('buyer'), event: 'First Tea' })
    await dialog.getByText('First call received: track First Tea').waitFor()
    await dialog.getByRole('button', { name: 'Done' }).click()
    const made = (await t.api('GET', '/api/sources')).items.find((one) => one.name === source)
    t.equal([made.kind, made.merges], ['server', 'anonymous'])
  })

  await t.check('the key is not shown again', async () => {
    await page.reload()
    await line(source).click()
    await opened(source).getByRole('region', { name: 'Node snippet' }).waitFor()
    t.ok(!(await page.content()).includes(key), 'the key is on the page')
    t.ok((await opened(source).innerText()).includes('WRITE_KEY'), 'nothing stands for the key')
  })

  await t.check('snippets for every SDK name this server', async () => {
    const about = opened(source)
    for (const name of ['Browser', 'Node', 'Python', 'Ruby', 'Go', 'iOS', 'Android', 'curl', 'Segment destination']) {
      await about.getByRole('button', { name, exact: true }).click()
      const code = await about.getByRole('region', { name: `${name} snippet` }).innerText()
      t.ok(code.includes('WRITE_KEY') && code.includes('127.0.0.1'), `${name}: ${code}`)
    }
    t.ok((await about.innerText()).includes(`${t.base}/v1/webhook/WRITE_KEY`), 'no webhook address')
  })
  await t.shot('source')
  await t.shot('source', { narrow: true })

  await t.check('the curl line works as it stands', async () => {
    const about = opened(source)
    await about.getByRole('button', { name: 'curl', exact: true }).click()
    const code = await about.getByRole('region', { name: 'curl snippet' }).innerText()
    const body = /-d '([^']*)'/.exec(code)?.[1]
    const url = /'(http[^']*)'$/.exec(code.trim())?.[1]
    const answer = await (await fetch(url, {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${key}:`)}` }, body
    })).json()
    t.equal(answer.receipts[0].status, 'appended')
  })

  await t.check('calls and the last one seen move while one looks', async () => {
    const calls = async () => (await t.api('GET', '/api/sources')).items.find((one) => one.name === source).calls
    await t.until(async () => (await calls()) === 2)
    await call(key, { userId: 'buyer', event: 'More Tea' })
    await opened(source).getByText('3 calls').waitFor()
    await opened(source).getByText('Last call just now').waitFor()
  })

  await t.check('a test call goes through and is in the feed', async () => {
    await opened(source).getByRole('button', { name: 'Send a test call' }).click()
    await opened(source).getByText(/The test call is record \d+/).waitFor()
    await opened(source).getByRole('link', { name: 'See it in the feed' }).click()
    await page.getByRole('region', { name: 'Calls' }).locator('article').filter({ hasText: 'Test Call' }).first().waitFor()
  })

  await t.check('what its aliases may merge is changed', async () => {
    await t.go(`/sources?open=${source}`)
    await opened(source).getByLabel('All ids').check()
    await t.until(async () => (await t.api('GET', '/api/sources')).items.find((one) => one.name === source).merges === 'all')
  })

  await t.check('a key is rotated: the new one is shown once, the old one is unknown', async () => {
    await opened(source).getByRole('button', { name: 'Rotate key' }).click()
    await confirm('Rotate key')
    await page.getByRole('dialog', { name: `New key of ${source}` }).waitFor()
    const fresh = await dialog.locator('code').first().innerText()
    t.ok(fresh !== key, 'the key is the old one')
    t.equal((await call(key, { userId: 'a', event: 'Old' })).status, 401)
    t.equal((await call(fresh, { userId: 'a', event: 'New' })).status, 200)
    key = fresh
    await dialog.getByRole('button', { name: 'Close' }).click()
  })

  await t.check('a source is disabled and enabled', async () => {
    await opened(source).getByRole('button', { name: 'Disable' }).click()
    await confirm('Disable')
    await opened(source).getByText('disabled', { exact: true }).waitFor()
    await opened(source).getByRole('button', { name: 'Enable' }).click()
    await opened(source).getByRole('button', { name: 'Disable' }).waitFor()
  })

  await t.check('a name that is taken or wrong is told beside the field', async () => {
    await page.getByRole('button', { name: 'Generate Token' }).click()
    await dialog.getByLabel('Name').fill(source)
    await dialog.getByRole('button', { name: 'Generate Token' }).click()
    await t.until(async () => (await dialog.getByRole('alert').innerText()).includes(source))
    await dialog.getByLabel('Name').fill('no/name')
    await dialog.getByRole('button', { name: 'Generate Token' }).click()
    await t.until(async () => (await dialog.getByRole('alert').innerText()) !== '')
    await page.keyboard.press('Escape')
  })

  const seen = page.getByRole('region', { name: 'Calls as they come in' }).locator('article')

  await t.check('the debugger shows calls as they come, refused ones with reason and fix', async () => {
    const event = t.unique('Debugged')
    await t.go(`/sources?tab=debugger&source=${source}`)
    await page.getByText('live', { exact: true }).waitFor()
    await call(key, { userId: 'debugger', event })
    const accepted = seen.filter({ hasText: event })
    await accepted.getByText('accepted').waitFor()
    const refused = t.unique('Refused')
    await call(key, { event: refused })
    const row = seen.filter({ hasText: refused })
    await row.getByText('rejected', { exact: true }).waitFor()
    await row.getByRole('button').first().click()
    await row.getByRole('region', { name: 'body' }).getByText(refused).waitFor()
    t.ok((await row.innerText()).includes('no_user_anon_id'), 'the code is missing')
    t.ok(await row.locator('.why b').count() === 1, 'the fix is missing')
  })
  await t.shot('debugger')
  await t.shot('debugger', { narrow: true })

  await t.check('the debugger stands still while a row is open, and goes on', async () => {
    const event = t.unique('Later')
    await call(key, { userId: 'debugger', event })
    const news = page.getByRole('button', { name: '1 new' })
    await news.waitFor()
    t.equal(await seen.filter({ hasText: event }).count(), 0)
    await news.click()
    await seen.filter({ hasText: event }).waitFor()
  })

  await t.check('the debugger is filtered by verdict and source, cleared, and paused', async () => {
    await page.getByLabel('Verdict').selectOption('rejected')
    await t.until(async () => (await seen.count()) > 0 && (await seen.filter({ hasText: 'accepted' }).count()) === 0)
    t.ok(page.url().includes('verdict=rejected'))
    await page.getByLabel('Verdict').selectOption('')
    await t.until(async () => (await seen.filter({ hasText: 'accepted' }).count()) > 0)
    await page.getByRole('button', { name: 'Pause' }).click()
    const event = t.unique('Paused')
    await call(key, { userId: 'debugger', event })
    await page.getByRole('button', { name: '1 new' }).waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await seen.filter({ hasText: event }).waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    t.equal(await seen.count(), 0)
    await page.getByLabel('Source').selectOption(t.source)
    await t.until(() => page.url().includes(`source=${t.source}`))
  })

  await t.check('what is no JSON is shown as text', async () => {
    // Of a source of its own, of which nothing else is kept.
    const quiet = t.unique('quiet')
    const made = await t.api('POST', '/api/sources', { name: quiet, kind: 'server', merges: 'all' })
    const mark = t.unique('broken')
    await call(made.write_key, `{"event": "${mark}`)
    await t.go(`/sources?tab=debugger&source=${quiet}&verdict=rejected`)
    await seen.first().getByRole('button').first().click()
    await seen.first().getByRole('region', { name: 'body' }).getByText(mark).waitFor()
  })

  const name = t.unique('ada')

  await t.check('a token is added, logs in by its link, is rotated and revoked', async () => {
    await t.go('/sources?tab=tokens')
    await page.getByRole('button', { name: 'Add a token' }).click()
    await dialog.getByLabel('Name').fill(name)
    await dialog.getByRole('button', { name: 'Add token' }).click()
    await dialog.getByText('Login link').waitFor()
    const [token, link] = await dialog.locator('code').allInnerTexts()
    t.equal(link, `${t.base}/login#${encodeURIComponent(token)}`)
    const other = await t.visitor()
    await other.goto(link)
    await other.getByText(`${name} · read`).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: `Rotate ${name}` }).click()
    await confirm('Rotate')
    await dialog.getByText('Login link').waitFor()
    t.ok((await dialog.locator('code').first().innerText()) !== token, 'the token is the old one')
    await page.keyboard.press('Escape')
    await other.goto(`${t.base}/feed`)
    await other.getByLabel('API token').waitFor()
    await other.context().close()
    await page.getByRole('button', { name: `Revoke ${name}` }).click()
    await confirm('Revoke')
    await t.until(async () => (await page.getByRole('button', { name: `Revoke ${name}` }).count()) === 0)
  })
  await t.shot('tokens')

  await t.check('readers get the debugger, and are told why the rest is not theirs', async () => {
    const reader = await t.reader()
    await t.go('/sources', reader)
    await reader.getByRole('region', { name: 'Calls as they come in' }).waitFor()
    await reader.getByRole('link', { name: 'Sources', exact: true }).last().click()
    await reader.getByText('Sources and their write keys are for administrators.').waitFor()
    t.equal(await reader.getByRole('button', { name: 'Generate Token' }).count(), 0)
    await t.shot('reader', { page: reader })
    await reader.context().close()
  })
}
