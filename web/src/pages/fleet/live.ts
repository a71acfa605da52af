/** What happens in the fleet is shown at once, but a list is not sorted anew under the pointer. */

import { useCallback, useEffect, useRef, useState, type RefObject } from "react";
import { queries } from "@/api/client";
import { useEvents } from "@/api/events";

const CALM_MS = 2000;
/** When it was last seen changes without an event that is heard here. */
const REREAD_MS = 30_000;
/** A list that was scrolled further is not read again by itself. */
const FAR = 1100;

/** How many changes wait to be shown in the list, and how they are shown. */
export function useLiveFleet(list: RefObject<HTMLElement | null>, rows: number) {
  const [waiting, setWaiting] = useState(0);
  const many = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const show = useCallback(() => {
    many.current = 0;
    setWaiting(0);
    void queries.invalidateQueries({ queryKey: ["vehicles"] });
  }, []);
  const isUsed = useCallback(() => list.current?.matches(":hover, :focus-within") ?? false, [list]);
  useEvents(["alarm", "version"], () => {
    many.current += 1;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void queries.invalidateQueries({ queryKey: ["fleet"] });
      if (isUsed()) setWaiting(many.current);
      else show();
    }, CALM_MS);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  const near = rows <= FAR;
  useEffect(() => {
    const again = setInterval(() => {
      if (near && !isUsed() && !document.hidden) show();
    }, REREAD_MS);
    return () => clearInterval(again);
  }, [near, isUsed, show]);
  return { waiting, show };
}
