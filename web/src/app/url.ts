// What a page shows lives in its address: filters, tabs, the range of time. Going back works.
import { useCallback } from "react";
import { useLocation, useNavigate } from "react-router";

type Patch = Readonly<Record<string, string | null>>;
interface How {
  /** Make an entry to go back to; without it the present entry is changed. */
  push?: boolean;
}

/** A query with some of it changed. */
export function patched(search: string, patch: Patch): string {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

/** Change several at once; null or "" takes one out. */
export function useUrlPatch(): (patch: Patch, how?: How) => void {
  const navigate = useNavigate();
  return useCallback(
    (patch, { push = false } = {}) => {
      // The address as it is now, not as it was drawn: two changes in one go must not lose each other.
      const { pathname, search, hash } = window.location;
      void navigate(
        { pathname, search: patched(search, patch), hash },
        { replace: !push, preventScrollReset: true },
      );
    },
    [navigate],
  );
}

/** One value of the address. The default is what holds when it is not there, and is not written. */
export function useUrlState<T extends string = string>(
  name: string,
  otherwise: NoInfer<T>,
): [T, (value: T, how?: How) => void] {
  const value = (new URLSearchParams(useLocation().search).get(name) ?? otherwise) as T;
  const patch = useUrlPatch();
  const set = useCallback(
    (next: T, how?: How) => patch({ [name]: next === otherwise ? null : next }, how),
    [name, otherwise, patch],
  );
  return [value, set];
}
