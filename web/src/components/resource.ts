/** Something that is fetched: on its way, there, or failed. */

import { useEffect, useState } from 'preact/hooks';

export type Resource<T> =
  | { state: 'loading' }
  | { state: 'ready'; value: T }
  | { state: 'failed'; error: unknown; retry: () => void };

/** Fetches anew whenever `key` changes; an answer that comes too late is dropped. */
export function useResource<T>(key: string, fetcher: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const [attempt, setAttempt] = useState(0);
  const [got, setGot] = useState<{ key: string; resource: Resource<T> }>({ key: '', resource: { state: 'loading' } });
  useEffect(() => {
    const stop = new AbortController();
    setGot({ key, resource: { state: 'loading' } });
    fetcher(stop.signal).then(
      (value) => !stop.signal.aborted && setGot({ key, resource: { state: 'ready', value } }),
      (error: unknown) => {
        const retry = (): void => setAttempt((n) => n + 1);
        if (!stop.signal.aborted) setGot({ key, resource: { state: 'failed', error, retry } });
      },
    );
    return () => stop.abort();
  }, [key, attempt]);
  return got.key === key ? got.resource : { state: 'loading' };
}
