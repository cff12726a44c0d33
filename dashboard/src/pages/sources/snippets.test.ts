// Snippets: nothing is left to fill in, and the page's is the one that the program prints.
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { snippets } from './snippets'

const code = (origin: string, key: string, id: string) => snippets(origin, key).find((one) => one.id === id)!

describe('snippets', () => {
  it('have address and key filled in', () => {
    for (const { name, code } of snippets('https://rt.example:8443', 'wk$&1')) {
      expect(code, name).toContain('wk$&1')
      expect(code, name).toContain('rt.example')
      expect(code, name).not.toMatch(/ADDRESS|HOST|WRITE_KEY|BASIC\b|: PORT/)
    }
  })

  it('name the address as each SDK wants it', () => {
    expect(code('http://127.0.0.1:8080', 'k', 'node').code).toContain("host: 'http://127.0.0.1:8080'")
    expect(code('http://127.0.0.1:8080', 'k', 'ruby').code).toContain("host: '127.0.0.1', port: 8080")
    expect(code('https://rt.example', 'k', 'ruby').code).toContain("host: 'rt.example', port: 443")
    expect(code('https://rt.example', 'k', 'ios').code).toContain('.apiHost("rt.example/v1")')
    expect(code('https://rt.example', 'k', 'segment').code).toContain('https://rt.example/v1/webhook/k\n')
    expect(code('https://rt.example', 'k', 'segment').code).toContain('Basic azo=')
    expect(code('https://rt.example', 'WRITE_KEY', 'segment').code).toContain('Basic (base64 of WRITE_KEY:)')
  })

  it('say where TLS is needed, and only there', () => {
    expect(code('http://rt.example', 'k', 'android').note).toMatch(/TLS/)
    expect(code('https://rt.example', 'k', 'android').note).toBeUndefined()
  })

  const printed = new URL('../../../../src/cli/snippet.html', import.meta.url)
  it.runIf(existsSync(printed))('give web pages what `roundtower source add` prints', () => {
    const wanted = readFileSync(printed, 'utf8').trim().replace("'ADDRESS', 'WRITE_KEY'", "'https://a.example', 'k'")
    expect(code('https://a.example', 'k', 'browser').code).toBe(wanted)
  })
})
