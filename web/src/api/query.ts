// Reading and changing through the API, with what is shown kept while it is read again.
import {
  keepPreviousData,
  QueryClient,
  useMutation,
  useQuery,
  type UseMutationResult,
  type UseQueryResult,
} from "@tanstack/react-query";
import { answered, ApiError } from "./problem";
import { onBackAgain } from "./connection";

const TRIES = 3;

type Key = readonly unknown[];
type Asked<T> = Promise<{ data?: T | undefined; error?: unknown; response: Response }>;

function again(failures: number, error: Error): boolean {
  return error instanceof ApiError && error.passing && error.status !== 0 && failures < TRIES;
}

export const queries = new QueryClient({
  defaultOptions: {
    // The service may be on this machine: whether the machine is on the internet says nothing.
    queries: {
      networkMode: "always",
      staleTime: 10_000,
      retry: again,
      retryDelay: (failures) => Math.min(1_000 * 2 ** failures, 15_000),
    },
    mutations: { networkMode: "always", retry: false },
  },
});

onBackAgain(() => void queries.invalidateQueries());

interface Options {
  enabled?: boolean;
  /** Ask again so often. */
  everyMs?: number;
  staleMs?: number;
  /** Show nothing rather than what the key before had, such as another vehicle's figures. */
  fresh?: boolean;
}

/**
 * Read something. The key names it and all it depends on; `ask` is one call of `api`:
 * `useApi(["vehicle", id], (signal) => api.GET("/v1/vehicles/{vehicle_id}", { params: { path: { vehicle_id: id } }, signal }))`.
 */
export function useApi<T>(
  key: Key,
  ask: (signal: AbortSignal) => Asked<T>,
  { enabled = true, everyMs, staleMs, fresh = false }: Options = {},
): UseQueryResult<T, ApiError> {
  return useQuery<T, ApiError>({
    queryKey: key,
    queryFn: ({ signal }) => answered(ask(signal)),
    enabled,
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
    ...(staleMs === undefined ? {} : { staleTime: staleMs }),
    ...(fresh ? {} : { placeholderData: keepPreviousData }),
  });
}

/** Change something; afterwards everything whose key begins with one of `touches` is read again. */
export function useChange<In, Out>(
  ask: (given: In) => Asked<Out>,
  touches: readonly Key[] = [],
): UseMutationResult<Out, ApiError, In> {
  return useMutation<Out, ApiError, In>({
    mutationFn: (given) => answered(ask(given)),
    onSettled: () => Promise.all(touches.map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
}
