// What to paste into a program so that its calls come here: one text for each SDK, with address and key filled in.

export interface Snippet {
  id: string
  name: string
  code: string
  /** What else has to be known. */
  note?: string
}

/** Stands for a key that is not known here. */
export const PLACEHOLDER = 'WRITE_KEY'

const PAGE = `<script>
  (function (host, key) {
    var a = window.analytics = window.analytics || []
    if (a.initialize || a.invoked) return
    a.invoked = true
    var methods = ['track', 'identify', 'page', 'screen', 'group', 'alias', 'reset', 'ready', 'on', 'once', 'off', 'user', 'setAnonymousId',
      'addSourceMiddleware', 'addDestinationMiddleware', 'trackLink', 'trackForm', 'debug', 'register']
    methods.forEach(function (method) {
      a[method] = function () {
        if (window.analytics.initialized) return window.analytics[method].apply(window.analytics, arguments)
        a.push([method].concat([].slice.call(arguments)))
        return a
      }
    })
    a._writeKey = key
    a._cdn = host
    var script = document.createElement('script')
    script.async = true
    script.src = host + '/analytics.js/v1/' + key + '/analytics.min.js'
    document.head.appendChild(script)
    a.page()
  })('ADDRESS', 'WRITE_KEY')
</script>`

const NODE = `// npm install @segment/analytics-node
const { Analytics } = require('@segment/analytics-node')

const analytics = new Analytics({ writeKey: 'WRITE_KEY', host: 'ADDRESS' })
analytics.track({ userId: 'user-1', event: 'Signed Up', properties: { plan: 'free' } })
analytics.closeAndFlush()`

const PYTHON = `# pip install segment-analytics-python
import segment.analytics as analytics

analytics.write_key = 'WRITE_KEY'
analytics.host = 'ADDRESS'
analytics.track('user-1', 'Signed Up', {'plan': 'free'})
analytics.shutdown()`

const RUBY = `# gem install analytics-ruby
require 'segment/analytics'

analytics = Segment::Analytics.new(write_key: 'WRITE_KEY', host: 'HOSTNAME', port: PORT)
analytics.track(user_id: 'user-1', event: 'Signed Up', properties: { plan: 'free' })
analytics.flush`

const GO = `// go get github.com/segmentio/analytics-go/v3
client, err := analytics.NewWithConfig("WRITE_KEY", analytics.Config{Endpoint: "ADDRESS"})
if err != nil {
	panic(err)
}
defer client.Close()
client.Enqueue(analytics.Track{
	UserId:     "user-1",
	Event:      "Signed Up",
	Properties: analytics.NewProperties().Set("plan", "free"),
})`

const SWIFT = `// Package: https://github.com/segmentio/analytics-swift
import Segment

let analytics = Analytics(configuration: Configuration(writeKey: "WRITE_KEY")
    .apiHost("HOST/v1")
    .cdnHost("HOST/v1"))
analytics.track(name: "Signed Up", properties: ["plan": "free"])`

const KOTLIN = `// implementation("com.segment.analytics.kotlin:android:<newest>")
import com.segment.analytics.kotlin.android.Analytics
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put

val analytics = Analytics("WRITE_KEY", applicationContext) {
    apiHost = "HOST/v1"
    cdnHost = "HOST/v1"
}
analytics.track("Signed Up", buildJsonObject { put("plan", "free") })`

const CURL = `curl -u 'WRITE_KEY:' -H 'Content-Type: application/json' \\
  -d '{"userId":"user-1","event":"Signed Up","properties":{"plan":"free"}}' \\
  'ADDRESS/v1/track?receipt=1'`

const SEGMENT = `Webhook URL    ADDRESS/v1/webhook/WRITE_KEY

or, where headers can be set:
Webhook URL    ADDRESS/v1/webhook
Token          WRITE_KEY
Header         Authorization: Basic BASIC`

const TLS = 'This SDK speaks TLS only: put a TLS proxy in front of Roundtower and use its address.'

/** All snippets for this address (`https://host:port`) and key. */
export function snippets(origin: string, key: string): Snippet[] {
  const url = new URL(origin)
  const isPlain = url.protocol === 'http:'
  const fill = (code: string) =>
    code
      .replaceAll('ADDRESS', () => url.origin)
      .replaceAll('HOSTNAME', () => url.hostname)
      .replaceAll('PORT', () => url.port || (isPlain ? '80' : '443'))
      .replaceAll('HOST', () => url.host)
      .replaceAll('BASIC', () => (key === PLACEHOLDER ? `(base64 of ${key}:)` : btoa(`${key}:`)))
      .replaceAll('WRITE_KEY', () => key)
  const secured = isPlain ? TLS : undefined
  return [
    { id: 'browser', name: 'Browser', code: fill(PAGE), note: 'Into the head of each page; Analytics.js itself comes from here too.' },
    { id: 'node', name: 'Node', code: fill(NODE) },
    { id: 'python', name: 'Python', code: fill(PYTHON) },
    { id: 'ruby', name: 'Ruby', code: fill(RUBY), note: secured },
    { id: 'go', name: 'Go', code: fill(GO) },
    { id: 'ios', name: 'iOS', code: fill(SWIFT), note: secured },
    { id: 'android', name: 'Android', code: fill(KOTLIN), note: secured },
    { id: 'curl', name: 'curl', code: fill(CURL), note: 'The answer says what became of the call.' },
    {
      id: 'segment',
      name: 'Segment destination',
      code: fill(SEGMENT),
      note: 'In the Segment workspace add the destination Webhooks and paste this: everything that the workspace collects is then delivered here too. Segment has to reach this address from outside, by TLS.',
    },
  ]
}
