import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import type { Column } from "./columns";
import { Row, WaitingRow } from "./Row";
import { stepped } from "./steps";
import styles from "./table.module.css";
import type { TableProps } from "./Table";

interface Props<Item> extends TableProps<Item> {
  columns: readonly Column<Item>[];
  total: number;
  rowHeight: number;
  scroll: HTMLDivElement | null;
}

const OVERSCAN = 12;

/** The rows in view, between two empty ones as high as all above and below. */
export function Body<Item>(props: Props<Item>) {
  const { columns, rows, total, rowHeight, scroll, onReach, rowKey, href, onOpen, selected } = props;
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroll,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= 0) onReach?.(last);
  }, [last, onReach]);
  const body = useRef<HTMLTableSectionElement>(null);
  const [active, move] = useActive(total, body, (index) => virtual.scrollToIndex(index));
  const page = Math.max(1, Math.floor((scroll?.clientHeight ?? 0) / rowHeight) - 2);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isField(event.target)) return;
    const to = stepped(event.key, active, total, page);
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  };
  return (
    <tbody ref={body} onKeyDown={onKeyDown}>
      <Spacer height={first * rowHeight} columns={columns.length} />
      {items.map(({ index }) => {
        const row = rows[index];
        if (row === undefined) return <WaitingRow key={`waiting ${index}`} index={index} columns={columns} />;
        const told = { row, index, columns, active: index === active, href, onOpen, selected };
        return <Row key={rowKey(row)} {...told} />;
      })}
      <Spacer height={Math.max(total - 1 - last, 0) * rowHeight} columns={columns.length} />
    </tbody>
  );
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr className={styles.spacer} aria-hidden>
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}

/**
 * The row that the keyboard is on: one stop for `Tab`, arrow keys inside. A row that is not drawn yet, or not here yet,
 * gets the focus when it comes, if the focus has gone nowhere else.
 */
function useActive(total: number, body: RefObject<HTMLElement | null>, scrollTo: (index: number) => void) {
  const [active, setActive] = useState(0);
  const wanted = useRef<number>(undefined);
  useEffect(() => {
    if (wanted.current === undefined) return;
    const now = document.activeElement;
    const elsewhere = now !== null && now !== document.body && body.current?.contains(now) !== true;
    const target = body.current?.querySelector<HTMLElement>(`[data-focus="${wanted.current}"]`);
    if (target && !elsewhere) target.focus({ preventScroll: true });
    if (target || elsewhere) wanted.current = undefined;
  });
  const move = (index: number) => {
    wanted.current = index;
    setActive(index);
    scrollTo(index);
  };
  return [Math.min(active, Math.max(total - 1, 0)), move] as const;
}

function isField(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}
