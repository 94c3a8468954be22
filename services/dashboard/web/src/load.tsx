/** Loading, failing and empty: the three states of every view, said in plain words. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ApiError } from './api.js'

export type Loaded<Value> =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly error: ApiError }
  | { readonly state: 'ready'; readonly value: Value }

/** Runs `load` whenever `key` changes; an answer that comes after a newer question is dropped. */
export function useLoaded<Value>(key: string, load: () => Promise<Value>): Loaded<Value> & { retry(): void } {
  const [tries, setTries] = useState(0)
  const [held, setHeld] = useState<{ readonly key: string; readonly now: Loaded<Value> }>({
    key: '',
    now: { state: 'loading' },
  })
  const asked = `${key}#${tries}`
  useEffect(() => {
    let current = true
    const run = async (): Promise<void> => {
      const now = await settle(load)
      if (current) setHeld({ key: asked, now })
    }
    void run()
    return () => {
      current = false
    }
  }, [asked])
  const now: Loaded<Value> = held.key === asked ? held.now : { state: 'loading' }
  return { ...now, retry: () => setTries(tries + 1) }
}

async function settle<Value>(load: () => Promise<Value>): Promise<Loaded<Value>> {
  try {
    return { state: 'ready', value: await load() }
  } catch (cause) {
    const error = cause instanceof ApiError ? cause : new ApiError(0, 'This page failed. Reload it.')
    return { state: 'failed', error }
  }
}

export function Loading() {
  return (
    <div class="card state" role="status">
      <span class="spinner" aria-hidden="true" />
      Loading…
    </div>
  )
}

export function Failed({ error, retry }: { readonly error: ApiError; readonly retry?: () => void }) {
  return (
    <div class="card state" role="alert">
      <h2>{error.status === 403 ? 'Not for this role' : 'That did not work'}</h2>
      <p>{error.message}</p>
      {retry && error.status !== 403 && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

export function Empty({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="card state">
      <svg viewBox="0 0 48 48" width="44" height="44" aria-hidden="true">
        <g fill="none" stroke="currentColor" stroke-width="2.5" stroke-dasharray="3 4" stroke-linecap="round">
          <circle cx="14" cy="16" r="6" />
          <circle cx="34" cy="16" r="6" />
          <circle cx="24" cy="34" r="6" />
        </g>
      </svg>
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  )
}

export function SampleNotice() {
  return (
    <p class="sample-notice">
      <strong>Sample data.</strong> These people are made up; their events went the same way as real ones.{' '}
      <a href="/sample/">Send some yourself</a>
    </p>
  )
}

export function Tile({
  name,
  value,
  note,
}: {
  readonly name: string
  readonly value: string
  readonly note: string
}) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd>
        <b>{value}</b>
        <small>{note}</small>
      </dd>
    </div>
  )
}
