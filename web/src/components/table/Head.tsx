import { Provenance } from "@/components/marks";
import { direction, nextSort, type Column } from "./columns";
import styles from "./table.module.css";

interface Props<Row> {
  columns: readonly Column<Row>[];
  sort: string;
  onSort: ((sort: string) => void) | undefined;
}

/** The headings; those that sort are buttons. */
export function Head<Row>({ columns, sort, onSort }: Props<Row>) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map((column, at) =>
          column.joined ? null : (
            <Heading key={column.id} column={column} span={spanOf(columns, at)} sort={sort} onSort={onSort} />
          ),
        )}
      </tr>
    </thead>
  );
}

/** How many columns a heading stands over: its own, and those before it that have none. */
function spanOf<Row>(columns: readonly Column<Row>[], at: number): number {
  let first = at;
  while (columns[first - 1]?.joined) first -= 1;
  return at - first + 1;
}

interface HeadingProps<Row> extends Omit<Props<Row>, "columns"> {
  column: Column<Row>;
  span: number;
}

function Heading<Row>({ column, span, sort, onSort }: HeadingProps<Row>) {
  const now = direction(column, sort);
  const sorts = column.sort !== undefined && onSort !== undefined;
  const classes = [
    styles.head,
    column.align === "end" && span === 1 ? styles.end : "",
    now === "none" ? "" : styles.sorted,
  ];
  const label = (
    <>
      {column.mark ? <Provenance of={column.mark} /> : null}
      {column.head}
    </>
  );
  return (
    <th
      scope={span > 1 ? "colgroup" : "col"}
      colSpan={span}
      className={classes.join(" ")}
      aria-sort={sorts ? now : undefined}
    >
      {sorts ? (
        <button type="button" className={styles.sort} onClick={() => onSort(nextSort(column, sort))}>
          {label}
          {now === "none" ? null : <span aria-hidden>{now === "ascending" ? "↑" : "↓"}</span>}
        </button>
      ) : (
        <span className={styles.label}>{label}</span>
      )}
    </th>
  );
}
