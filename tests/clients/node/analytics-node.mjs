// analytics-node (the one before @segment/analytics-node): sends its first call at once, the rest in batches.
import { asArguments, calls, installed, printMessages, url, writeKey } from './client.mjs'

const Analytics = installed('analytics-node')
const analytics = new Analytics(writeKey, { host: url, flushAt: 4 })

// A callback gets the whole batch that its call went out in, and callbacks come in the order of the batch.
const messages = new Map()
const sent = calls.map((call, index) => new Promise((resolve, reject) => {
  const marked = { ...asArguments(call), testIndex: index }
  analytics[call.type](marked, (error, data) => {
    if (error) return reject(error)
    data.batch.forEach((message) => messages.set(message.testIndex, message))
    resolve()
  })
}))
while (analytics.queue.length > 0) await analytics.flush()
await Promise.all(sent)
printMessages(calls.map((_, index) => messages.get(index)))
