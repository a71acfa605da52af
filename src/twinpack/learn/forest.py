"""An isolation forest as plain arrays: grown by scikit-learn, stored as numbers, scored here.

A point that few random cuts set apart from the others is odd (Liu, Ting and Zhou, "Isolation forest", 2008). Its score
is 2^(-E[h] / c(n)): h is how many cuts a tree needs, c(n) how many it needs on average among n points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import WorkspaceError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

_EULER = float(np.euler_gamma)
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Forest:
    """T trees of N nodes in all.

    Attributes:
        root: First node of each tree, shape (T,).
        feature: Column that a node cuts by, -1 for a leaf, shape (N,).
        threshold: Values up to it go left, shape (N,).
        left: Node on the left, the leaf itself for a leaf, shape (N,).
        right: Node on the right, the leaf itself for a leaf, shape (N,).
        cuts: Cuts that lead to a leaf, with those expected among the points that ended in it, shape (N,).
        normal: Cuts that a tree needs on average, c(n).
        depth: Cuts of the longest way.
    """

    root: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    cuts: Floats
    normal: float
    depth: int

    @classmethod
    def grow(cls, values: Floats, trees: int, points: int, seed: int) -> Forest:
        """Grow a forest.

        Args:
            values: The points, shape (rows, columns), none missing.
            trees: How many trees.
            points: Points of each, at most as many as there are.
            seed: The same seed gives the same forest.
        """
        from sklearn.ensemble import IsolationForest

        points = min(points, len(values))
        grown = IsolationForest(n_estimators=trees, max_samples=points, random_state=seed).fit(values)
        return cls.of(grown, points)

    @classmethod
    def of(cls, grown: Any, points: int) -> Forest:
        """The trees of a fitted `IsolationForest` that saw all columns."""
        parts = [_tree(one.tree_) for one in grown.estimators_]
        sizes = [len(part["feature"]) for part in parts]
        root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        for part, first in zip(parts, root, strict=True):
            part["left"] += first
            part["right"] += first
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        depth = max(int(one.tree_.max_depth) for one in grown.estimators_)
        return cls(root=root, normal=float(_average_cuts(np.array([points]))[0]), depth=depth, **joined)

    def scores(self, values: Floats) -> Floats:
        """Score of each point, 0 to 1, higher is odder.

        Args:
            values: The points, shape (rows, columns), none missing.
        """
        found = np.empty(len(values))
        # Trees are grown on single precision: a value is to fall on the same side of a threshold as it did then.
        single = np.asarray(values, dtype=np.float32).astype(np.float64)
        for first in range(0, len(values), _ROWS_AT_ONCE):
            part = single[first : first + _ROWS_AT_ONCE]
            found[first : first + _ROWS_AT_ONCE] = self._cuts_of(part).mean(axis=1)
        return np.asarray(2.0 ** (-found / self.normal))

    def _cuts_of(self, part: Floats) -> Floats:
        node = np.broadcast_to(self.root, (len(part), len(self.root)))
        row = np.arange(len(part))[:, None]
        for _ in range(self.depth):
            goes_left = part[row, np.maximum(self.feature[node], 0)] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return self.cuts[node]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        arrays = ("root", "feature", "threshold", "left", "right", "cuts")
        return {**{name: getattr(self, name).tolist() for name in arrays}, "normal": self.normal, "depth": self.depth}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Forest:
        """From JSON values.

        Raises:
            WorkspaceError: They are no forest: a part is missing, or a node leads out of it.
        """
        try:
            root, feature, left, right = (
                np.array(given[name], dtype=np.int32) for name in ("root", "feature", "left", "right")
            )
            threshold, cuts = (np.array(given[name], dtype=np.float64) for name in ("threshold", "cuts"))
            forest = cls(root, feature, threshold, left, right, cuts, float(given["normal"]), int(given["depth"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise WorkspaceError(f"the trees of an anomaly model cannot be read: {error!r}") from error
        sizes = {len(part) for part in (feature, threshold, left, right, cuts)}
        ways = np.concatenate([root, left, right])
        if len(sizes) != 1 or not len(root) or ways.min() < 0 or ways.max() >= len(feature):
            raise WorkspaceError("the trees of an anomaly model cannot be read: a node leads out of them")
        return forest


def _tree(tree: Any) -> dict[str, npt.NDArray[Any]]:
    """The nodes of one tree of scikit-learn."""
    leaf = tree.children_left < 0
    own = np.arange(tree.node_count, dtype=np.int32)
    depth = np.zeros(tree.node_count)
    for node in np.flatnonzero(~leaf).tolist():  # a node comes before those it leads to
        depth[[tree.children_left[node], tree.children_right[node]]] = depth[node] + 1.0
    return {
        "feature": np.where(leaf, -1, tree.feature).astype(np.int32),
        "threshold": np.where(leaf, 0.0, tree.threshold),
        "left": np.where(leaf, own, tree.children_left).astype(np.int32),
        "right": np.where(leaf, own, tree.children_right).astype(np.int32),
        "cuts": np.where(leaf, depth + _average_cuts(tree.n_node_samples), 0.0),
    }


def _average_cuts(points: npt.NDArray[Any]) -> Floats:
    """Cuts that set one of so many points apart, on average: the length of a failed search in a binary tree."""
    count = np.asarray(points, dtype=np.float64)
    more = np.maximum(count, 3.0)
    average = 2.0 * (np.log(more - 1.0) + _EULER) - 2.0 * (more - 1.0) / more
    return np.where(count <= 1, 0.0, np.where(count == 2, 1.0, average))
