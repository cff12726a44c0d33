// @segment/analytics-node: every call, then closeAndFlush.
import { asArguments, calls, installed, printMessages, url, writeKey } from './client.mjs'

const { Analytics } = installed('@segment/analytics-node')
const analytics = new Analytics({ writeKey, host: url, flushAt: 5 })
analytics.on('error', (error) => {
  console.error('the SDK gave up:', error)
  process.exitCode = 1
})

const messages = new Array(calls.length)
calls.forEach((call, index) => {
  analytics[call.type](asArguments(call), (error, context) => {
    if (error) {
      console.error(`call ${index} failed:`, error)
      process.exitCode = 1
    }
    messages[index] = context?.event
  })
})
await analytics.closeAndFlush({ timeout: 120_000 })
printMessages(messages)
