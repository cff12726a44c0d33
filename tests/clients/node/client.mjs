// What the client scripts share: their arguments, the installed packages, and one printed line per call.
//
// Every script is called with the server's URL, a write key and a file of calls. It makes each call through its SDK,
// waits until the SDK says that everything was sent, and prints each message as the SDK built it, in the order of the file.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export const [url, writeKey, callsFile, ...options] = process.argv.slice(2)
export const calls = JSON.parse(readFileSync(callsFile, 'utf8'))
export const installed = createRequire(`${process.env.ROUNDTOWER_TEST_CLIENTS}/node/`)

export function printMessages (messages) {
  if (messages.some((message) => message === undefined)) throw new Error('the SDK never reported some of the calls')
  process.stdout.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(''))
}

/// A call as the server SDKs take it: without its type, and with its time as a Date.
export function asArguments ({ type, timestamp, ...rest }) {
  return timestamp === undefined ? rest : { ...rest, timestamp: new Date(timestamp) }
}
