using NUnit.Framework;
using SLoRA.Backends.Gpu;
using SLoRA.Core.Tests.Engine;
using SLoRA.Models;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>
/// Decode steps that are recorded once and repeated for others of their bucket, in the interpreter, against the same steps launched one
/// kernel after the other: every bit of logits, tokens and pages.
/// </summary>
/// <remarks>By default one kind of step; the others in the long sets, since interpreting a step takes a while.</remarks>
[NonParallelizable]
public sealed class PtxGraphTests
{
    /// <summary>Of ranks 16, 8 and 1.</summary>
    private static readonly string[] Adapters = ["all-linear", "qv", "r1"];

    /// <summary>No adapter.</summary>
    private const int Base = -1;

    private const int PageTokens = 4;

    [TestCase(CacheType.Weights, Category = "Long")]
    [TestCase(CacheType.Int8, Category = "Longest")]
    public void Other_rows_ranks_and_pages_are_as_if_launched(CacheType cache)
    {
        using var sides = new Sides("core-llama-gqa", Adapters, cache);

        // 2 + 1 blocks of ranks; the same; 2 + 1 + 1, of which the first have two rows; 1 + 1: all have room for 4.
        sides.Run(new Row(0, 0), new Row(1, 1), new Row(Base, 2));
        sides.Run(new Row(0, 0, Token: 9), new Row(1, 1, Token: 8), new Row(Base, 2, Token: 7));
        sides.Run(new Row(1, 3, Tail: 3), new Row(0, 1, Tail: 1), new Row(0, 2, Pages: 2), new Row(2, 0, Pages: 0, Tail: 0));
        sides.Run(new Row(2, 2, Pages: 3), new Row(Base, 1, Token: 200), new Row(1, 0));
        sides.AssertSame(records: 1, runs: 3);
    }

    [Test]
    public void Tensor_cores_repeat_what_they_launched()
    {
        using var sides = new Sides("later-phi4-mini", ["all-linear-r4", "qkv-r8", "rslora-r5"], CacheType.Weights);
        sides.Run(new Row(0, 0), new Row(1, 1), new Row(Base, 2));
        sides.Run(new Row(2, 0), new Row(1, 1), new Row(1, 2));
        sides.Run(new Row(1, 3, Tail: 3), new Row(0, 1, Tail: 3), new Row(Base, 2), new Row(2, 0, Pages: 0, Tail: 0));
        sides.AssertSame(records: 1, runs: 2);
    }

    /// <summary>Models with experts, latents and states: graphs for as many rows as there are.</summary>
    [TestCase("later-olmoe", "later-experts")]
    [TestCase("later-glm4-moe-lite", null)]
    [TestCase("later-lfm2", null)]
    [TestCase("later-qwen3-5-moe", null)]
    [Category("Long")]
    public void Families_repeat_steps_of_as_many_rows(string model, string? adapter)
    {
        using var sides = new Sides(model, adapter is null ? [] : [adapter], CacheType.Weights);
        int own = adapter is null ? Base : 0;
        sides.Run(new Row(own, 0), new Row(Base, 1));
        sides.Run(new Row(Base, 2), new Row(own, 1, Token: 9));
        sides.Run(new Row(own, 3, Tail: 3), new Row(own, 0, Pages: 2));
        sides.Run(new Row(own, 0), new Row(Base, 1), new Row(Base, 3));
        sides.AssertSame(records: 1, runs: 2);
    }

    /// <summary>Steps without adapters, after and before steps with some.</summary>
    [Test]
    [Category("Long")]
    public void Rows_of_the_base_and_rows_of_adapters_are_repeated_in_turns()
    {
        using var sides = new Sides("core-llama-gqa", Adapters, CacheType.Weights);
        sides.Run(new Row(Base, 0), new Row(Base, 1), new Row(Base, 2));
        sides.Run(new Row(1, 0), new Row(Base, 1), new Row(0, 2));
        sides.Run(new Row(Base, 0), new Row(Base, 1), new Row(Base, 2));
        sides.Run(new Row(0, 3), new Row(1, 1), new Row(Base, 2));
        sides.Run(new Row(Base, 3), new Row(Base, 1, Pages: 2), new Row(Base, 2), new Row(Base, 0));
        sides.Run(new Row(Base, 1), new Row(Base, 2), new Row(1, 0));
        sides.AssertSame(records: 2, runs: 4);
    }

    /// <summary>Contexts of several splits, of which a step has other numbers than the one that was recorded.</summary>
    [TestCase(CacheType.Weights)]
    [TestCase(CacheType.BFloat16)]
    [Category("Long")]
    public void Long_contexts_are_split_and_merged_as_if_launched(CacheType cache)
    {
        using var sides = new Sides("core-llama-tied-llama3", [], cache);

        // Two splits of each of three; the same; of four; of three beside one that has none: all have room for eight.
        sides.Run(new Row(Base, 0, Pages: 72), new Row(Base, 1, Pages: 100), new Row(Base, 2, Pages: 124));
        sides.Run(new Row(Base, 0, Pages: 72), new Row(Base, 1, Pages: 100), new Row(Base, 2, Pages: 124));
        sides.Run(
            new Row(Base, 2, Pages: 100), new Row(Base, 1, Pages: 68), new Row(Base, 3, Pages: 124), new Row(Base, 0, Pages: 64, Tail: 0));
        sides.Run(
            new Row(Base, 3, Pages: 1), new Row(Base, 0, Pages: 124, Tail: 3), new Row(Base, 1, Pages: 80), new Row(Base, 2, Pages: 90));
        sides.AssertSame(records: 1, runs: 3);
    }

    [Test]
    [Category("Long")]
    public void Penalties_and_draws_are_repeated_for_others()
    {
        using var sides = new Sides("core-llama-gqa", Adapters, CacheType.Weights) { Penalty = 1.3f };
        sides.Run(new Row(Base, 0), new Row(Base, 1), new Row(Base, 2));
        sides.Run(new Row(Base, 0), new Row(Base, 1), new Row(Base, 2));
        sides.Run(new Row(Base, 3, Token: 40), new Row(Base, 1, Pages: 2), new Row(Base, 2), new Row(Base, 0));
        sides.AssertSame(records: 1, runs: 2);
    }

    /// <summary>What memory is named grows between two steps: the record is made anew.</summary>
    [Test]
    [Category("Long")]
    public void Records_are_made_again_when_memory_grows()
    {
        using var sides = new Sides("core-llama-gqa", Adapters, CacheType.Weights);
        Row[] rows = [new Row(Base, 0), new Row(0, 1)];
        sides.Run(rows);
        sides.Run(rows);
        sides.AssertSame(records: 1, runs: 1);
        sides.Run(new Row(Base, 0, Behind: 20_000), new Row(Base, 1));
        sides.AssertSame(records: 0, runs: 1);
        sides.Run(rows);
        sides.AssertSame(records: 1, runs: 2);
    }

    /// <summary>A row of a step.</summary>
    /// <param name="Adapter">Which adapter it has.</param>
    /// <param name="Own">Which page its keys and values go into.</param>
    /// <param name="Pages">Pages of its context before that one, all of them the one page that was filled.</param>
    /// <param name="Tail">Its position in its page.</param>
    /// <param name="Token">Its token.</param>
    /// <param name="Behind">Pages of its table that it does not reach.</param>
    private sealed record Row(int Adapter, int Own, int Pages = 1, int Tail = 2, int Token = 11, int Behind = 0);

    /// <summary>The same engine twice: one whose steps are recorded, and one that launches them.</summary>
    private sealed class Sides : IDisposable
    {
        private readonly PtxRecorder _recorder = new();
        private readonly SteppedEngine _launched;
        private readonly SteppedEngine _recorded;
        private readonly int[] _free;
        private readonly int[][] _states;

        public Sides(string model, string[] adapters, CacheType cache)
        {
            _launched = Engine(model, adapters, cache, recorder: null);
            _recorded = Engine(model, adapters, cache, _recorder);
            HashSet<int> taken = [.. ResidentsOf(_launched).SelectMany(resident => resident.Pages)];
            Assert.That(ResidentsOf(_recorded).SelectMany(resident => resident.Pages), Is.EquivalentTo(taken));
            int states = _launched.Loop.Parts.Layout.StatePages;
            int[] free = [.. Enumerable.Range(0, _launched.Pages.PageCount).Where(page => !taken.Contains(page)).Take(5 + (5 * states))];
            _free = free[..5];
            _states = [.. free[5..].Chunk(Math.Max(1, states))];
            foreach (SteppedEngine engine in Both)
            {
                var plan = new StepPlan(4, 4);
                plan.AddSlice([.. Enumerable.Range(3, PageTokens)], 0, _free.AsSpan(4, 1), 0, StatesOf(4));
                foreach (int page in free)
                {
                    engine.Pages.Clear(page);
                }

                engine.Loop.Parts.Decoder.Run(plan);
            }
        }

        public float Penalty { get; init; } = 1;

        private SteppedEngine[] Both => [_launched, _recorded];

        /// <summary>Runs a step on both, and compares logits and tokens.</summary>
        public void Run(params Row[] rows)
        {
            Decoder launched = Run(_launched, rows);
            Decoder recorded = Run(_recorded, rows);
            for (int row = 0; row < rows.Length; row++)
            {
                Assert.That(recorded.Chosen(row), Is.EqualTo(launched.Chosen(row)), $"the token of {rows[row]}");
                Assert.That(Logits(recorded, row), Is.EqualTo(Logits(launched, row)), $"the logits of {rows[row]}");
            }
        }

        public void AssertSame(int records, int runs)
        {
            Assert.That((_recorder.Records, _recorder.Runs), Is.EqualTo((records, runs)), "records and how often they were run");
            foreach (int page in (int[])[.. _free, .. _states.SelectMany(pages => pages)])
            {
                Assert.That(Bytes(_recorded, page), Is.EqualTo(Bytes(_launched, page)), $"page {page}");
            }
        }

        public void Dispose()
        {
            _launched.Dispose();
            _recorded.Dispose();
            Assert.That(_recorder.Records, Is.Zero, "records that are left");
        }

        private static SteppedEngine Engine(string model, string[] adapters, CacheType cache, PtxRecorder? recorder)
        {
            var engine = new SteppedEngine(builder =>
            {
                builder.UseModel(RepositoryFolder.Fixture(model, "model"))
                    .ConfigurePool(pool => (pool.CacheType, pool.PageTokens) = (cache, PageTokens))
                    .UseBackend((rows, outputs) => new GpuBackend(PtxDevice.Device, PtxDevice.Kernels, rows, outputs, recorder))
                    .ConfigureScheduling(scheduling => (scheduling.MaxRowsPerStep, scheduling.MaxRunning) = (32, 8));
                foreach (string adapter in adapters)
                {
                    builder.AddAdapter(adapter, RepositoryFolder.Fixture(model, "adapters", adapter));
                }
            });
            foreach (string adapter in adapters)
            {
                engine.Run(engine.Adapters.PreloadAsync(adapter));
            }

            return engine;
        }

        private static ResidentAdapter[] ResidentsOf(SteppedEngine engine) =>
            [.. engine.Loop.DeviceCache.Resident.Select(generation => generation.Resident!)];

        /// <summary>Without the columns behind, which are of tokens that no adapter here brings.</summary>
        private static float[] Logits(Decoder decoder, int row) => decoder.Logits(row)[..decoder.Description.VocabularySize].ToArray();

        private static byte[] Bytes(SteppedEngine engine, int page)
        {
            var bytes = new byte[engine.Pages.PageBytes];
            engine.Pages.Read(page, 0, bytes);
            return bytes;
        }

        private int[] StatesOf(int own) => _states.Length == 0 ? [] : _states[own];

        private Decoder Run(SteppedEngine engine, Row[] rows)
        {
            var plan = new StepPlan(32, 8);
            for (int i = 0; i < rows.Length; i++)
            {
                Row row = rows[i];
                int[] pages = [.. Enumerable.Repeat(_free[4], row.Pages), .. Enumerable.Repeat(_free[row.Own], 1 + row.Behind)];
                plan.AddSlice([row.Token], (row.Pages * PageTokens) + row.Tail, pages, 1, StatesOf(row.Own));

                // The last row's token is the host's to choose.
                if (i < rows.Length - 1)
                {
                    var choice = new TokenChoice(i, i == 0 ? 0 : 0.8f, 20, 0.1f, 0, 0.37f, Penalty, 0, 0, 0, 0, 0, 0);
                    plan.Choices.Add(choice, Penalty == 1 ? [] : [row.Token, 5, 6 + i], Penalty == 1 ? [] : [1, 0, 2], [], []);
                }
            }

            ResidentAdapter[] residents = ResidentsOf(engine);
            bool isFirst = true;
            foreach (int i in Enumerable.Range(0, rows.Length).Where(i => rows[i].Adapter != Base).OrderBy(i => rows[i].Adapter))
            {
                plan.Lora.Add(residents[rows[i].Adapter], i, 1, 0.75f + i, isFirst);
                isFirst = false;
            }

            Decoder decoder = engine.Loop.Parts.Decoder;
            decoder.Run(plan);
            return decoder;
        }
    }
}
