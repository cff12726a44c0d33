// windsor-node: knows users and events only, posts to URL/TOKEN, and sends what it has delivered again with its next batch.
import { asArguments, calls, installed, printMessages, url, writeKey } from './client.mjs'

const Tracker = installed('windsor-node')
const tracker = new Tracker(writeKey, { host: `${url}/hook`, flushAt: 3, flushInterval: 500 })

const messages = new Map()
const collect = (data) => data.batch.forEach((message) => messages.set(message.testIndex, message))
const verbs = { identify: 'user', track: 'event' }
const sent = calls.map((call, index) => tracker[verbs[call.type]]({ ...asArguments(call), testIndex: index }))
while (tracker.queue.length > 0) collect(await tracker.flush())
await Promise.all([...tracker.pendingBatches].map((batch) => batch.then(collect)))
await Promise.all(sent)
printMessages(calls.map((_, index) => messages.get(index)))
