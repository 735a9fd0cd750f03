using ILGPU;
using SLoRA.Step;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>How rows choose: <see cref="Routing"/> in numbers.</summary>
internal readonly struct RouteShape(Routing routing, int hasCorrection, int hasFactors)
{
    /// <summary>Experts, E.</summary>
    public readonly int Experts = routing.Experts;

    /// <summary>Experts of a row, k.</summary>
    public readonly int Chosen = routing.Chosen;

    /// <summary>The <see cref="RouterScore"/>.</summary>
    public readonly int Score = (int)routing.Score;

    /// <summary>1 if weights are divided by their sum.</summary>
    public readonly int Normalise = routing.Normalise ? 1 : 0;

    /// <summary>1 if a correction is added to scores for the choice.</summary>
    public readonly int HasCorrection = hasCorrection;

    /// <summary>1 if every expert has a factor that its weight is multiplied by.</summary>
    public readonly int HasFactors = hasFactors;

    /// <summary>Groups of experts.</summary>
    public readonly int Groups = routing.Groups;

    /// <summary>Groups that experts are chosen from.</summary>
    public readonly int ChosenGroups = routing.ChosenGroups;

    /// <summary>The least sum that weights are divided by.</summary>
    public readonly float SumFloor = routing.SumFloor;

    /// <summary>What is added to it.</summary>
    public readonly float SumOffset = routing.SumOffset;

    /// <summary>What weights are multiplied by.</summary>
    public readonly float Scale = routing.Scale;
}

/// <summary>
/// The choice of experts, and the order of the routed rows by expert. A choice is number <c>t · k + i</c>: the i-th best expert of row t.
/// Rows of one expert keep the order of their choices, so nothing depends on which group of threads comes first.
/// </summary>
internal static class RouteKernels
{
    /// <summary>The most groups of experts.</summary>
    public const int MostGroups = 256;

    /// <summary>Ints of a tile of routed rows: expert, first row, rows.</summary>
    public const int TileInts = 3;

    private const float Least = -3.4e38f;

    /// <summary>
    /// Chooses k of E experts. A group per row (x). Scores lie in shared memory; each choice is a search for the largest, of equal ones the
    /// first, by all threads, and one thread makes the weights.
    /// </summary>
    [Kernel]
    public static void Choose(
        ArrayView<float> logits, ArrayView<float> correction, ArrayView<float> factors, ArrayView<int> experts, ArrayView<float> weights,
        RouteShape shape)
    {
        ArrayView<float> scores = SharedMemory.Allocate<float>(Routing.MostExperts);
        ArrayView<float> choices = SharedMemory.Allocate<float>(Routing.MostExperts);
        ArrayView<float> sums = SharedMemory.Allocate<float>(MostGroups);
        ArrayView<float> shared = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<int> places = SharedMemory.Allocate<int>(KernelLoader.GroupSize);
        int thread = Group.IdxX;
        int row = Grid.IdxX;
        long begin = (long)row * shape.Experts;
        Score(logits, begin, scores, shared, shape);
        for (int e = thread; e < shape.Experts; e += KernelLoader.GroupSize)
        {
            float choice = scores[e];
            if (shape.HasCorrection == 1)
            {
                choice += correction[e];
            }

            choices[e] = choice;
        }

        Group.Barrier();
        LeaveGroupsOut(choices, sums, shape);
        long first = (long)row * shape.Chosen;
        for (int i = 0; i < shape.Chosen; i++)
        {
            float best = Least;
            int place = shape.Experts;
            for (int e = thread; e < shape.Experts; e += KernelLoader.GroupSize)
            {
                if (choices[e] > best)
                {
                    best = choices[e];
                    place = e;
                }
            }

            float largest = RowReduction.Max(shared, best);
            int mine = shape.Experts;
            if (place < shape.Experts && best == largest)
            {
                mine = place;
            }

            int chosen = RowReduction.Min(places, mine);
            if (thread == 0)
            {
                // Without a number among the scores there is nothing to choose from.
                int expert = chosen < shape.Experts ? chosen : 0;
                experts[first + i] = expert;
                weights[first + i] = scores[expert];
                choices[expert] = Least;
            }

            Group.Barrier();
        }

        if (thread == 0)
        {
            Weigh(weights, first, shape);
            for (int i = 0; i < shape.Chosen; i++)
            {
                if (shape.HasFactors == 1)
                {
                    weights[first + i] = weights[first + i] * factors[experts[first + i]];
                }
            }
        }
    }

    /// <summary>How many choices fell on each expert. A group per expert (x). <paramref name="choices"/> is T k.</summary>
    [Kernel]
    public static void Count(ArrayView<int> experts, ArrayView<int> counts, int choices)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(KernelLoader.GroupSize);
        int expert = Grid.IdxX;
        int own = 0;
        for (int choice = Group.IdxX; choice < choices; choice += KernelLoader.GroupSize)
        {
            if (experts[choice] == expert)
            {
                own++;
            }
        }

        int count = RowReduction.Sum(shared, own);
        if (Group.IdxX == 0)
        {
            counts[expert] = count;
        }
    }

    /// <summary>
    /// Puts the choices in the order of the experts, and cuts the rows of each expert into tiles. A group per expert (x): a thread has a
    /// run of choices. <c>choiceOf</c>: routed row → choice, <c>rowOf</c>: the other way, <c>tiles</c>: <see cref="TileInts"/> each, of
    /// which the count stands in <c>tileCount</c>.
    /// </summary>
    [Kernel]
    public static void Sort(
        ArrayView<int> experts, ArrayView<int> counts, ArrayView<int> choiceOf, ArrayView<int> rowOf, ArrayView<int> tiles,
        ArrayView<int> tileCount, int choices, int tileRows)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(KernelLoader.GroupSize);
        int thread = Group.IdxX;
        int expert = Grid.IdxX;
        int before = 0;
        int tilesBefore = 0;
        for (int e = thread; e < expert; e += KernelLoader.GroupSize)
        {
            before += counts[e];
            tilesBefore += (counts[e] + tileRows - 1) / tileRows;
        }

        int start = RowReduction.Sum(shared, before);
        int firstTile = RowReduction.Sum(shared, tilesBefore);
        int run = (choices + KernelLoader.GroupSize - 1) >> KernelLoader.GroupSizeLog2;
        int begin = thread * run;
        int end = begin + run < choices ? begin + run : choices;
        int own = 0;
        for (int choice = begin; choice < end; choice++)
        {
            if (experts[choice] == expert)
            {
                own++;
            }
        }

        shared[thread] = own;
        Group.Barrier();
        int next = start;
        for (int other = 0; other < thread; other++)
        {
            next += shared[other];
        }

        for (int choice = begin; choice < end; choice++)
        {
            if (experts[choice] == expert)
            {
                choiceOf[next] = choice;
                rowOf[choice] = next;
                next++;
            }
        }

        int rows = counts[expert];
        int tilesOfExpert = (rows + tileRows - 1) / tileRows;
        for (int tile = thread; tile < tilesOfExpert; tile += KernelLoader.GroupSize)
        {
            int place = (firstTile + tile) * TileInts;
            int left = rows - (tile * tileRows);
            tiles[place] = expert;
            tiles[place + 1] = start + (tile * tileRows);
            tiles[place + 2] = left < tileRows ? left : tileRows;
        }

        if (thread == 0 && expert == Grid.DimX - 1)
        {
            tileCount[0] = firstTile + tilesOfExpert;
        }
    }

    private static void Score(ArrayView<float> logits, long begin, ArrayView<float> scores, ArrayView<float> shared, RouteShape shape)
    {
        int thread = Group.IdxX;
        float largest = Least;
        for (int e = thread; e < shape.Experts; e += KernelLoader.GroupSize)
        {
            largest = MathF.Max(largest, logits[begin + e]);
        }

        largest = RowReduction.Max(shared, largest);
        float own = 0;
        for (int e = thread; e < shape.Experts; e += KernelLoader.GroupSize)
        {
            float logit = logits[begin + e];
            if (shape.Score == (int)RouterScore.Softmax)
            {
                scores[e] = MathF.Exp(logit - largest);
            }
            else if (shape.Score == (int)RouterScore.Sigmoid)
            {
                scores[e] = 1 / (1 + MathF.Exp(-logit));
            }
            else
            {
                scores[e] = logit;
            }

            own += scores[e];
        }

        float sum = RowReduction.Sum(shared, own);
        if (shape.Score == (int)RouterScore.Softmax)
        {
            for (int e = thread; e < shape.Experts; e += KernelLoader.GroupSize)
            {
                scores[e] = scores[e] / sum;
            }
        }
    }

    /// <summary>Leaves those groups out that are not among the best by the sum of their two best choices.</summary>
    private static void LeaveGroupsOut(ArrayView<float> choices, ArrayView<float> sums, RouteShape shape)
    {
        int thread = Group.IdxX;
        int width = shape.Experts / shape.Groups;
        for (int group = thread; group < shape.Groups; group += KernelLoader.GroupSize)
        {
            float best = Least;
            float second = Least;
            for (int e = group * width; e < (group + 1) * width; e++)
            {
                float choice = choices[e];
                if (choice > best)
                {
                    second = best;
                    best = choice;
                }
                else
                {
                    second = MathF.Max(second, choice);
                }
            }

            sums[group] = width > 1 ? best + second : best;
        }

        Group.Barrier();
        for (int group = thread; group < shape.Groups; group += KernelLoader.GroupSize)
        {
            int better = 0;
            float sum = sums[group];
            for (int other = 0; other < shape.Groups; other++)
            {
                if (sums[other] > sum)
                {
                    better++;
                }
                else if (sums[other] == sum && other < group)
                {
                    better++;
                }
            }

            if (better >= shape.ChosenGroups)
            {
                for (int e = group * width; e < (group + 1) * width; e++)
                {
                    choices[e] = Least;
                }
            }
        }

        Group.Barrier();
    }

    private static void Weigh(ArrayView<float> weights, long first, RouteShape shape)
    {
        if (shape.Score == (int)RouterScore.SoftmaxOfChosen)
        {
            // The first is the largest.
            float largest = weights[first];
            float total = 0;
            for (int i = 0; i < shape.Chosen; i++)
            {
                float weight = MathF.Exp(weights[first + i] - largest);
                weights[first + i] = weight;
                total += weight;
            }

            for (int i = 0; i < shape.Chosen; i++)
            {
                weights[first + i] = weights[first + i] / total;
            }
        }

        float divisor = 1;
        if (shape.Normalise == 1)
        {
            float sum = 0;
            for (int i = 0; i < shape.Chosen; i++)
            {
                sum += weights[first + i];
            }

            divisor = MathF.Max(sum, shape.SumFloor) + shape.SumOffset;
        }

        for (int i = 0; i < shape.Chosen; i++)
        {
            weights[first + i] = weights[first + i] / divisor * shape.Scale;
        }
    }
}
