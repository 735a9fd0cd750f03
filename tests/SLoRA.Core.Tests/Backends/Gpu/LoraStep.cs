using SLoRA.Backends;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>Puts together steps whose rows have adapters.</summary>
internal static class LoraStep
{
    /// <summary>
    /// A step whose rows have none to three of a few adapters each, in a random order of places, some of which leave a module out.
    /// </summary>
    /// <param name="twin">Where.</param>
    /// <param name="rows">Rows of the step.</param>
    /// <param name="set">Whether all rows or only some of them have outputs.</param>
    /// <param name="vocabulary">Tokens are below.</param>
    /// <param name="modules">Inputs and outputs of the adapters' modules.</param>
    /// <returns>The rows of the set.</returns>
    public static int Build(GpuTwin twin, int rows, RowSet set, int vocabulary, params (int Inputs, int Outputs)[] modules) =>
        Build(twin, rows, set, vocabulary, modules, places: 3);

    /// <summary>The same with at most so many adapters of a row.</summary>
    public static int Build(GpuTwin twin, int rows, RowSet set, int vocabulary, (int Inputs, int Outputs)[] modules, int places)
    {
        Random random = twin.Random;
        // Small pages cut tiles at odd places: their spans and rows have to fit.
        int pageBytes = (2 << random.Next(5)) * 1024;
        int pages = Math.Max(128, (6 << 20) / pageBytes);
        KvLayout layout = twin.AllocatePages(TensorType.F32, 1, pages, Layouts.Attention(1, 1, pageBytes / 8));
        int[] order = [.. Enumerable.Range(0, pages)];
        random.Shuffle(order);
        var maker = new RandomAdapter(random, twin.WritePage, new Queue<int>(order), (int)layout.PageBytes);
        var adapters = new ResidentAdapter[random.Next(1, 5)];
        for (int i = 0; i < adapters.Length; i++)
        {
            adapters[i] = maker.Create([.. modules.Select(module => random.Next(5) == 0 ? ((int, int)?)null : module)]);
        }

        int outputs = 0;
        for (int row = 0; row < rows; row++)
        {
            int output = set == RowSet.Output && random.Next(2) == 0 ? 1 : 0;
            outputs += output;
            twin.Plan.AddSlice([random.Next(vocabulary)], 0, [0], output);
        }

        AddWork(twin, adapters, rows, places);
        return set == RowSet.Step ? rows : outputs;
    }

    /// <summary>The work of one row of a plan, as if it were row 0 of a step of its own.</summary>
    public static StepPlan Alone(StepPlan plan, int row)
    {
        var alone = new StepPlan(1, 0);
        alone.AddSlice([plan.Tokens[row]], 0, [0], 0);
        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            foreach (WorkEntry entry in plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                if (entry.Row == row)
                {
                    alone.Lora.Add(chunk.Adapter, 0, 1, entry.Weight, startsPlace: true);
                }
            }
        }

        return alone;
    }

    public static bool HasWork(StepPlan plan, int row)
    {
        foreach (WorkEntry entry in plan.Lora.Entries)
        {
            if (entry.Row == row)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Every row takes part in none to all of the places; in each it has one of the adapters.</summary>
    private static void AddWork(GpuTwin twin, ResidentAdapter[] adapters, int rows, int most)
    {
        int[] places = [.. Enumerable.Range(0, rows).Select(_ => twin.Random.Next(most + 1))];
        for (int place = 0; place < most; place++)
        {
            int[] chosen = [.. Enumerable.Range(0, rows).Select(_ => twin.Random.Next(adapters.Length))];
            bool starts = true;
            for (int adapter = 0; adapter < adapters.Length; adapter++)
            {
                for (int row = 0; row < rows; row++)
                {
                    if (places[row] > place && chosen[row] == adapter)
                    {
                        twin.Plan.Lora.Add(adapters[adapter], row, 1, twin.Number(), starts);
                        starts = false;
                    }
                }
            }
        }
    }
}
