// @segment/analytics-next in headless Chromium, on a page of another origin than the server.
//
// One more argument, JSON: `head` is what stands in the page's head, `query` that of its address, `then` what the visitor does after the last call
// ("stay", "leave", or "return", which loads the page once more), `hold` that the browser stays open until standard input is
// closed (for tests that watch the wire themselves). Prints each message as it left the page, those of the page's own
// first, then those of the file in its order; a message that has not left yet is printed as its id alone.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { calls, installed, options, printMessages, url } from './client.mjs'

const { head, query, then, hold } = JSON.parse(options[0])
const bundle = readFileSync(installed.resolve('@segment/analytics-next').replace(/dist\/.*/, 'dist/umd/index.js'))
const page = `<!doctype html><html><head><meta charset="utf-8"><title>A shop</title>${head}</head><body>Hello</body></html>`

const site = createServer((request, response) => {
  const path = request.url.split('?')[0]
  if (path === '/bundle.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(bundle)
  if (path === '/favicon.ico') return response.writeHead(204).end()
  if (path === '/elsewhere') return response.writeHead(200, { 'content-type': 'text/plain' }).end('left')
  response.writeHead(200, { 'content-type': 'text/html' }).end(page)
})
await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))
// By another name than the server's address: another origin, and another site too.
const origin = `http://localhost:${site.address().port}`

const browser = await installed('playwright-core').chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync']
})
const context = await browser.newContext()

const left = new Map()
const strangers = []
context.on('request', (request) => {
  if (!request.url().startsWith(url) && !request.url().startsWith(origin)) strangers.push(request.url())
  if (request.method() !== 'POST' || !request.url().startsWith(`${url}/v1/`)) return
  const body = JSON.parse(request.postData())
  for (const message of body.batch ?? [body]) {
    if (!left.has(message.messageId)) left.set(message.messageId, message)
  }
})

const tab = await context.newPage()
const complaints = []
tab.on('pageerror', (error) => complaints.push(String(error)))
await tab.goto(`${origin}/shop?${query}`)
const ids = await tab.evaluate(async (calls) => {
  await new Promise((resolve) => window.analytics.ready(resolve))
  const ids = []
  for (const { verb, arguments: given } of calls) {
    if (verb === 'reset') {
      await window.analytics.reset()
    } else {
      ids.push((await window.analytics[verb](...given)).event.messageId)
    }
  }
  return ids
}, calls)
if (then === 'return') {
  await tab.goto(`${origin}/shop`)
  await tab.evaluate(() => new Promise((resolve) => window.analytics.ready(resolve)))
} else if (then === 'leave') {
  if (ids.every((id) => left.has(id))) throw new Error('nothing was left to be sent when the visitor leaves')
  await tab.goto(`${origin}/elsewhere`)
}

const pagesOwn = [...left.keys()].filter((id) => !ids.includes(id))
printMessages([...pagesOwn, ...ids].map((id) => left.get(id) ?? { messageId: id }))
if (hold) for await (const _ of process.stdin);
await browser.close()
site.close()
if (complaints.length > 0) throw new Error(`errors on the page: ${complaints}`)
if (strangers.length > 0) throw new Error(`the page called others than the server: ${strangers}`)
