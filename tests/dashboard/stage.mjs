// The stage on which the pages are looked at: a real browser before the real program.
//
// Called with the address of a server, an admin token, the name of a file beside this one, and a folder for pictures. The file's
// default export gets a `Stage`. Failures are collected and printed at the end, each with the path of a picture; whatever a page
// does that it never may (a dialog, an error, a report of its security policy, a request to elsewhere) is a failure too.
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const installed = createRequire(`${process.env.ROUNDTOWER_TEST_DASHBOARD}/`)
const { chromium } = installed('playwright-core')
const AXE = readFileSync(installed.resolve('axe-core/axe.min.js'), 'utf8')

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']
const WIDE = { width: 1280, height: 860 }
const NARROW = { width: 390, height: 844 }
/// How long anything may take. Only keeps a broken page from going on.
const PATIENCE = 40_000
const BATCH = 100

class Stage {
  failures = []
  #browser
  #folder
  #name
  #token
  #keys = {}
  #ids = 0
  #pictures = 0
  /// What pages did that they never may.
  #strange = []

  static async open (base, token, name, folder) {
    const stage = new Stage()
    Object.assign(stage, { base })
    stage.#token = token
    stage.#name = name
    stage.#folder = folder
    await mkdir(folder, { recursive: true })
    await stage.#pageIsThere()
    stage.#browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
    const source = stage.unique('stage')
    stage.#keys.write = (await stage.api('POST', '/api/sources', { name: source, kind: 'server', merges: 'all' })).write_key
    stage.source = source
    stage.page = await stage.visitor(token)
    return stage
  }

  async close () {
    await this.#browser?.close()
  }

  /// Without npm the program is built without its page: then nothing here is true, so nothing may pass.
  async #pageIsThere () {
    const page = await (await fetch(this.base)).text()
    if (/<script[^>]+src="\/assets\//.test(page)) return
    throw new Error('the program was built without the dashboard: install Node.js 20.19 or newer with npm, or set ' +
      'ROUNDTOWER_DASHBOARD to a folder with the built page, then `touch build.rs` and build again')
  }

  /// A page of its own, logged in with this token, or nobody's.
  async visitor (token, { size = WIDE, ...more } = {}) {
    const context = await this.#browser.newContext({ viewport: size, locale: 'en-GB', timezoneId: 'UTC', ...more })
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => console.error(`security policy: ${event.violatedDirective} ${event.blockedURI}`))
    })
    const page = await context.newPage()
    page.setDefaultTimeout(PATIENCE)
    this.#watch(context, page)
    if (token) {
      await page.goto(`${this.base}/login#${encodeURIComponent(token)}`)
      await page.getByRole('navigation', { name: 'Pages' }).waitFor()
    }
    return page
  }

  #watch (context, page) {
    const strange = (what) => this.#strange.push(`${what} (on ${page.url()})`)
    page.on('dialog', (dialog) => {
      strange(`a dialog opened: ${dialog.message()}`)
      dialog.dismiss().catch(() => {})
    })
    page.on('pageerror', (error) => strange(`an error: ${error.stack ?? error}`))
    page.on('console', (message) => {
      // A refusal is an answer; what the page makes of it is for the tests.
      const isRefusal = /^Failed to load resource: .* status of 4\d\d/.test(message.text())
      if (message.type() === 'error' && !isRefusal) strange(`the console says: ${message.text()}`)
    })
    context.on('request', (request) => {
      const url = request.url()
      if (!url.startsWith(`${this.base}/`) && !url.startsWith('data:') && !url.startsWith('blob:')) strange(`a request to ${url}`)
    })
    context.on('response', (response) => {
      if (response.status() >= 500) strange(`${response.status()} for ${response.url()}`)
    })
  }

  /// A page of somebody who may only read.
  async reader () {
    this.#keys.reader ??= (await this.api('POST', '/api/tokens', { name: this.unique('reader'), scope: 'read' })).token
    return this.visitor(this.#keys.reader)
  }

  /// A page as wide as a telephone.
  async narrow () {
    return this.visitor(this.#token, { size: NARROW })
  }

  /// Goes to a path; its page is there then, what it asks the server may still be on its way.
  async go (path, page = this.page) {
    await page.goto(this.base + path)
    await page.locator('main :is(h1, [role=alert])').first().waitFor()
  }

  /// Asks the API as an admin.
  async api (method, path, body) {
    const answer = await fetch(this.base + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body)
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : null
  }

  /// Sends calls and waits until they can be seen; returns their receipts. A call that is refused is a mistake of the test.
  async send (calls, key = this.#keys.write) {
    const receipts = []
    for (let from = 0; from < calls.length; from += BATCH) {
      const answer = await fetch(`${this.base}/v1/batch?receipt=1`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${key}:`)}` },
        body: JSON.stringify({ batch: calls.slice(from, from + BATCH) })
      })
      const said = await answer.json()
      const refused = said.receipts?.find((one) => one.status === 'rejected')
      if (!answer.ok || refused) throw new Error(`sending: ${answer.status} ${JSON.stringify(refused ?? said)}`)
      receipts.push(...said.receipts)
    }
    const last = Math.max(0, ...receipts.map((one) => one.sequence ?? 0))
    await this.api('GET', `/api/feed?limit=1&wait_for=${last}`)
    return receipts
  }

  /// An id that nobody has used.
  unique (prefix) {
    this.#ids += 1
    return `${prefix}-${Date.now().toString(36)}-${process.pid.toString(36)}-${this.#ids}`
  }

  /// One named check. It goes on after a failure: the next ones say more. `allow` fits what is strange and wanted.
  async check (name, run, { allow } = {}) {
    try {
      await run()
      console.log(`  ok      ${name}`)
    } catch (error) {
      await this.#fail(name, error instanceof Error ? error.stack ?? error.message : String(error))
    }
    const strange = this.#strange.splice(0).filter((what) => !allow?.test(what))
    for (const what of strange) await this.#fail(name, what)
  }

  async #fail (name, why) {
    const path = join(this.#folder, `${this.#name}-failed-${this.failures.length + 1}.png`)
    const taken = await this.page.screenshot({ path }).then(() => path, () => 'no picture')
    this.failures.push({ name, why, picture: taken })
    console.log(`  FAILED  ${name}`)
  }

  ok (held, why) {
    if (!held) throw new Error(why ?? 'this does not hold')
  }

  equal (found, wanted, why = '') {
    const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
    if (a !== b) throw new Error(`${why} found ${a}, wanted ${b}`.trim())
  }

  /// Waits until this returns something true, and returns that.
  async until (ask, why = 'it never came true') {
    const deadline = Date.now() + PATIENCE
    for (;;) {
      const found = await ask()
      if (found) return found
      if (Date.now() > deadline) throw new Error(`${why} (waited ${PATIENCE / 1000} s)`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /// Pictures of the page as it stands, light and dark; in each, axe has to find nothing serious and nothing may be wider than the page.
  async shot (name, { narrow = false, page = this.page } = {}) {
    const before = page.viewportSize()
    if (narrow) await page.setViewportSize(NARROW)
    try {
      for (const scheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
        // A picture of half a fade is a picture of nothing.
        await page.evaluate(() => Promise.all(document.getAnimations()
          .filter((one) => one.effect?.getTiming().iterations !== Infinity)
          .map((one) => one.finished.catch(() => {}))))
        this.#pictures += 1
        const label = `${name}${narrow ? '-narrow' : ''}-${scheme}`
        await page.screenshot({ path: join(this.#folder, `${this.#name}-${label}.png`) })
        await this.check(`${label}: fits the window and is accessible`, async () => {
          await this.#fits(page)
          await this.#accessible(page)
        })
      }
    } finally {
      await page.emulateMedia({ colorScheme: null, reducedMotion: null })
      if (narrow) await page.setViewportSize(before)
    }
  }

  async #fits (page) {
    const over = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement
      if (scrollWidth <= clientWidth) return null
      const wide = [...document.body.querySelectorAll('*')].find((one) => one.getBoundingClientRect().right > clientWidth + 1)
      return `${scrollWidth} px in ${clientWidth} px: ${wide?.outerHTML.slice(0, 200) ?? ''}`
    })
    this.ok(!over, `the page scrolls sideways: ${over}`)
  }

  async #accessible (page) {
    // By the debugging protocol, so that the page's security policy stays as it is.
    await page.evaluate(`window.axe === undefined && (() => { ${AXE} })()`)
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
    const serious = found.violations.filter((one) => one.impact === 'serious' || one.impact === 'critical')
    this.ok(serious.length === 0, serious.map((one) => {
      const where = one.nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? ''}`).join('; ')
      return `axe: ${one.id} (${one.impact}), ${one.help}: ${where}`
    }).join('\n'))
  }
}

const [base, token, name, folder] = process.argv.slice(2)
let stage
try {
  stage = await Stage.open(base, token, name, folder)
  const { default: run } = await import(`./${name}.mjs`)
  await run(stage)
  await stage.check('nothing strange happened in between', async () => {})
} catch (error) {
  console.error(`\n${name}.mjs was not finished: ${error.stack ?? error}`)
  process.exitCode = 1
} finally {
  await stage?.close()
}
for (const { name, why, picture } of stage?.failures ?? []) {
  console.error(`\n${name}\n${why.replace(/^/gm, '    ')}\n    picture: ${picture}`)
  process.exitCode = 1
}
