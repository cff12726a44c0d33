// How the page is built: into the folder that build.rs names, or for work on the page with `npm run dev` beside a server.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

const server = process.env.ROUNDTOWER ?? 'http://127.0.0.1:8080'
const token = process.env.ROUNDTOWER_TOKEN
const headers = { origin: server, ...(token && { authorization: `Bearer ${token}` }) }

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: process.env.ROUNDTOWER_DASHBOARD_OUT ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // The security policy allows files of this server only, so nothing may become a data: URL or an inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/status', '/v1', '/openapi.json', '/docs'].map((path) => [path, { target: server, changeOrigin: true, headers }]),
    ),
  },
})
