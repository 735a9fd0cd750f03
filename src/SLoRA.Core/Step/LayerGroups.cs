using System.Collections.Immutable;

namespace SLoRA.Step;

/// <summary>
/// Which layers share pages. All layers of a group see the same positions, so that a page of one is wanted by all of its layers or by none;
/// groups hold about equally much of a token, since their pages have one size. Groups that see everything come first.
/// </summary>
/// <param name="Sights">What the rows of each group see.</param>
/// <param name="GroupOf">The group of each layer.</param>
internal sealed record LayerGroups(ImmutableArray<Sight> Sights, ImmutableArray<int> GroupOf)
{
    /// <summary>How much memory may be lost to groups of unequal size before more, smaller ones are made.</summary>
    private const double TolerableLoss = 0.15;

    /// <summary>
    /// Groups layers: a group per sight where there is one. Where there are several, sights of many layers are cut into groups as large as
    /// those of few: with as few groups as waste no more than 15 %, of short sequences and of what long ones have for layers that see all.
    /// </summary>
    /// <param name="layers">What each layer keeps of a token.</param>
    public static LayerGroups Of(ImmutableArray<KeyValueShape> layers)
    {
        int[][] kinds =
        [
            .. Enumerable.Range(0, layers.Length).GroupBy(layer => layers[layer].Sight).OrderBy(kind => kind.Key.IsBounded)
                .Select(kind => kind.ToArray()),
        ];
        int[][] best = kinds;
        double least = Loss(kinds, layers);
        long smallest = layers.IsEmpty ? 0 : layers.Max(layer => layer.Elements);
        foreach (int[][] cut in kinds.SelectMany(kind => Sizes(kind, layers)).Where(size => size >= smallest).Distinct()
            .Select(size => Cut(kinds, layers, size)).OrderBy(cut => cut.Length))
        {
            if (least > TolerableLoss && Loss(cut, layers) < least)
            {
                (best, least) = (cut, Loss(cut, layers));
            }
        }

        var groupOf = new int[layers.Length];
        for (int group = 0; group < best.Length; group++)
        {
            foreach (int layer in best[group])
            {
                groupOf[layer] = group;
            }
        }

        return new LayerGroups(
            best.Length == 0 ? [default] : [.. best.Select(group => layers[group[0]].Sight)], [.. groupOf]);
    }

    /// <summary>What the first layers of a kind keep of a token: one, two, and so on.</summary>
    private static IEnumerable<long> Sizes(int[] kind, ImmutableArray<KeyValueShape> layers)
    {
        long size = 0;
        foreach (int layer in kind)
        {
            yield return size += layers[layer].Elements;
        }
    }

    /// <summary>Cuts every kind into groups of at most this size.</summary>
    private static int[][] Cut(int[][] kinds, ImmutableArray<KeyValueShape> layers, long most)
    {
        List<List<int>> groups = [];
        foreach (int[] kind in kinds)
        {
            long size = long.MaxValue;
            foreach (int layer in kind)
            {
                if (size > most - layers[layer].Elements)
                {
                    groups.Add([]);
                    size = 0;
                }

                groups[^1].Add(layer);
                size += layers[layer].Elements;
            }
        }

        return [.. groups.Select(group => group.ToArray())];
    }

    /// <summary>The larger of what is lost of a short sequence's memory, and of what a long one has for layers that see all.</summary>
    private static double Loss(int[][] groups, ImmutableArray<KeyValueShape> layers)
    {
        long page = groups.Length == 0 ? 0 : groups.Max(Size);
        int[][] whole = [.. groups.Where(group => !layers[group[0]].Sight.IsBounded)];
        return Math.Max(Lost(groups), Lost(whole));

        long Size(int[] group) => group.Sum(layer => layers[layer].Elements);

        double Lost(int[][] some) => some.Length == 0 ? 0 : ((double)page * some.Length / some.Sum(Size)) - 1;
    }
}
