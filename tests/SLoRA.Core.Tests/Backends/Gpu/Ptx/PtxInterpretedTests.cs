using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Gpu;
using SLoRA.Backends.Reference;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Backends.Gpu.Lint;
using SLoRA.Core.Tests.Engine;
using SLoRA.Formats;

namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>
/// The text of the kernels, as a driver would get it, in the interpreter: what they compute against the Reference, and nothing that they
/// must not do.
/// </summary>
[NonParallelizable]
public sealed class PtxInterpretedTests
{
    private static readonly SamplingOptions Greedy = new() { Temperature = 0 };

    private static readonly SamplingOptions Varied =
        new() { Temperature = 0.7f, TopK = 20, TopP = 0.9f, RepetitionPenalty = 1.3f, PresencePenalty = 0.5f, Seed = 7 };

    /// <summary>Models, and adapters of theirs, that need kernels of their own.</summary>
    private static readonly object[][] Models =
    [
        ["core-llama-gqa", "all-linear", Greedy],
        ["core-llama-gqa", "embed-and-head", Varied],
        ["core-llama-gqa", "later-dora", Greedy],
        ["core-llama-gqa", "later-save-head", Greedy],
        ["core-llama-gqa", "later-tokens", Greedy],
        ["core-qwen3", "", Greedy],
        ["later-cohere2", "", Greedy],
        ["later-glm4-moe-lite", "", Greedy],
        ["later-lfm2", "", Greedy],
        ["later-olmoe", "later-experts", Greedy],
        ["later-phi4-mini", "", Greedy],
    ];

    /// <summary>Kernels that nothing here launches: those of cuBLAS.</summary>
    private static readonly string[] NotLaunched = ["BlasKernels.AddBias", "BlasKernels.Narrow"];

    private static IEnumerable<string> Names => Simulation.Cases.Keys;

    /// <summary>What other tests of the process have launched does not count.</summary>
    [OneTimeSetUp]
    public void Nothing_is_launched() => PtxKernelLoader.Launched.Clear();

    /// <summary>Once all tests here have run, every kernel has been launched.</summary>
    [OneTimeTearDown]
    public void Every_kernel_is_interpreted()
    {
        int others = typeof(PtxInterpretedTests).GetMethods().Sum(
            method => method.GetCustomAttributes<TestAttribute>().Count() + method.GetCustomAttributes<TestCaseAttribute>().Count());
        if (TestContext.CurrentContext.Result.PassCount == Simulation.Cases.Count + Models.Length + others)
        {
            IEnumerable<string> all = KernelMethods.All.Keys.Select(name => name.Split(' ')[0]).Distinct();
            Assert.That(all.Except(PtxKernelLoader.Launched), Is.EquivalentTo(NotLaunched));
        }
    }

    [TestCaseSource(nameof(Names))]
    public void Texts_of_kernels_agree_with_the_Reference(string name) =>
        Simulation.Cases[name]((rows, outputs) => PtxDevice.Twin(3, rows, outputs));

    [TestCaseSource(nameof(Models))]
    public void Models_answer_as_on_the_Reference(string model, string adapter, SamplingOptions sampling)
    {
        int[] expected = Answer(model, adapter, sampling, (rows, outputs) => new ReferenceBackend(rows, outputs));
        int[] actual = Answer(
            model, adapter, sampling, (rows, outputs) => new GpuBackend(PtxDevice.Device, PtxDevice.Kernels, rows, outputs));
        Assert.That(actual, Is.EqualTo(expected));
    }

    /// <summary>Keys and values in 8 bits, and latents.</summary>
    [TestCase("core-llama-gqa")]
    [TestCase("later-glm4-moe-lite")]
    public void Models_with_a_cache_of_8_bits_answer_as_on_the_Reference(string model)
    {
        int[] expected = Answer(model, "", Greedy, (rows, outputs) => new ReferenceBackend(rows, outputs), CacheType.Int8);
        int[] actual = Answer(
            model, "", Greedy, (rows, outputs) => new GpuBackend(PtxDevice.Device, PtxDevice.Kernels, rows, outputs), CacheType.Int8);
        Assert.That(actual, Is.EqualTo(expected));
    }

    [TestCase("core-qwen3")]
    [TestCase("later-cohere2")]
    public void Adapters_with_own_norms_answer_as_on_the_Reference(string model)
    {
        using var folder = new TemporaryFolder();
        OwnNorms(model).Write(folder.Path);
        int[] expected = Answer(model, folder.Path, Greedy, (rows, outputs) => new ReferenceBackend(rows, outputs));
        int[] plain = Answer(model, "", Greedy, (rows, outputs) => new ReferenceBackend(rows, outputs));
        int[] actual = Answer(
            model, folder.Path, Greedy, (rows, outputs) => new GpuBackend(PtxDevice.Device, PtxDevice.Kernels, rows, outputs));
        Assert.That(actual, Is.EqualTo(expected).And.Not.EqualTo(plain));
    }

    /// <summary>Two devices that share a model: what they exchange is filled and read by kernels of its own.</summary>
    [TestCase("core-llama-gqa", "all-linear")]
    [TestCase("core-llama-gqa", "embed-and-head")]
    [TestCase("core-llama-gqa", "later-dora")]
    [TestCase("core-llama-gqa", "later-tokens")]
    [TestCase("later-olmoe", "later-experts")]
    public void Models_on_two_devices_answer_as_on_the_Reference(string model, string adapter)
    {
        int[] expected = Answer(model, adapter, Greedy, (rows, outputs) => new ReferenceBackend(rows, outputs));
        int[] actual = Answer(model, adapter, Greedy, (rows, outputs) => GpuShards.Create(
            [GpuDevice.OpenSimulation(), GpuDevice.OpenSimulation()], rows, outputs, checksPages: true, loaded: PtxDevice.Kernels));
        Assert.That(actual, Is.EqualTo(expected));
    }

    /// <summary>Rows of weights whose inputs are shared, one of them with a bias of the base.</summary>
    [Test]
    public void Own_rows_on_two_devices_answer_as_on_the_Reference()
    {
        using var folder = new TemporaryFolder();
        var model = new ChangedModel("core-llama-bias");
        var adapter = new TestAdapter();
        adapter.Config["modules_to_save"] = new JsonArray("o_proj", "down_proj");
        adapter.Config["target_modules"] = new JsonArray("q_proj");
        foreach (string name in model.Names.Where(name => name.Contains(".o_proj.", StringComparison.Ordinal)
            || name.Contains(".down_proj.", StringComparison.Ordinal)))
        {
            float[] values = [.. model.Values(name).Select((value, at) => value * (1 + (0.1f * (at % 7))))];
            adapter.Tensors.Add(("base_model.model." + name, "F32", model.ShapeOf(name), TestAdapter.Bytes(TensorType.F32, values)));
        }

        foreach (string name in model.Names.Where(name => name.EndsWith(".q_proj.weight", StringComparison.Ordinal)))
        {
            string prefix = "base_model.model." + name[..^".weight".Length];
            long[] shape = model.ShapeOf(name);
            adapter.Add(prefix + ".lora_A.weight", TensorType.F32, [4, shape[1]], new Random(1));
            adapter.Add(prefix + ".lora_B.weight", TensorType.F32, [shape[0], 4], new Random(2));
        }

        adapter.Write(folder.Path);
        int[] expected = Answer("core-llama-bias", folder.Path, Greedy, (rows, outputs) => new ReferenceBackend(rows, outputs));
        int[] actual = Answer("core-llama-bias", folder.Path, Greedy, (rows, outputs) => GpuShards.Create(
            [GpuDevice.OpenSimulation(), GpuDevice.OpenSimulation()], rows, outputs, checksPages: true, loaded: PtxDevice.Kernels));
        Assert.That(actual, Is.EqualTo(expected));
    }

    /// <summary>Rows, columns of K in runs of 32, outputs: in less than a tile, in several, ragged.</summary>
    [TestCase(1, 1, 5)]
    [TestCase(3, 4, 40)]
    [TestCase(9, 5, 70)]
    [TestCase(16, 9, 33)]
    [TestCase(17, 3, 65)]
    [TestCase(70, 9, 130)]
    public void Products_on_tensor_cores_agree_with_the_Reference(int rows, int runs, int outputs)
    {
        using GpuTwin twin = PtxDevice.Twin(rows, rows);
        KernelChecks.Products(twin, rows, 32 * runs, (TensorType.BF16, outputs, true), (TensorType.BF16, 3, false));
        string kernel = rows <= 16 ? "Few" : rows <= 64 ? "Several" : "Many";
        Assert.That(PtxKernelLoader.Launched, Does.Contain($"TensorProductKernels.{kernel}"));
    }

    /// <summary>Rows of a step that one kernel multiplies, and how many of them in one that another does.</summary>
    [TestCase(40, 5)]
    [TestCase(40, 16)]
    [TestCase(70, 16)]
    public void A_row_has_the_same_bits_from_few_and_from_many(int many, int few)
    {
        using GpuTwin twin = PtxDevice.Twin(few, many);
        TensorProductChecks.SameBits(twin, WeightFormat.BF16, 32 * 7, 35, many, few, first: 11);
    }

    /// <summary>One for the products that share their input, one down to the ranks of all rows' adapters and one up.</summary>
    [Test]
    public void Queries_keys_and_values_with_adapters_take_three_launches()
    {
        using GpuTwin twin = PtxDevice.Twin(5, 4);
        (TensorType Type, int Outputs, bool Bias)[] parts =
            [(TensorType.BF16, 64, true), (TensorType.BF16, 32, true), (TensorType.BF16, 35, false)];
        PtxKernelLoader.Launches.Clear();
        KernelChecks.Deltas(twin, 4, RowSet.Step, 64, parts, places: 1);
        Assert.That(
            PtxKernelLoader.Launches,
            Is.EqualTo((string[])["TensorProductKernels.Few", "LoraKernels.ShrinkOnTensorCores", "LoraKernels.ExpandOnTensorCores"]));
    }

    /// <summary>Rows, columns of K and outputs: several blocks of entries, tiles of several pages.</summary>
    [TestCase(3, 32, 9)]
    [TestCase(10, 96, 20)]
    public void Deltas_on_tensor_cores_agree_with_the_Reference(int rows, int inputs, int outputs)
    {
        using GpuTwin twin = PtxDevice.Twin(rows, rows);
        KernelChecks.Deltas(twin, rows, RowSet.Step, inputs, (TensorType.BF16, outputs, false));
    }

    [Test]
    public void A_row_has_the_same_delta_alone_and_in_a_mix()
    {
        const int Rows = 10;
        using GpuTwin twin = PtxDevice.Twin(4, Rows);
        Trio<LinearGroup> group = twin.Group(64, (TensorType.BF16, 20, false));
        LoraStep.Build(twin, Rows, RowSet.Step, 1, (64, 20));
        Trio<DeviceRows> x = twin.Rows(RowSet.Step, 64, Rows);
        Trio<DeviceRows> y = twin.Rows(RowSet.Step, 20, 0);
        twin.BeginStep();
        twin.Gpu.Linear(group.Gpu, x.Gpu, y.Gpu);
        int row = Enumerable.Range(0, Rows).Last(i => LoraStep.HasWork(twin.Plan, i));
        float[] mixed = twin.Read(y.Gpu, row);
        twin.Write(x.Gpu, 0, twin.Read(x.Gpu, row));
        twin.BeginStep(LoraStep.Alone(twin.Plan, row));
        twin.Gpu.Linear(group.Gpu, x.Gpu, y.Gpu);
        Assert.That(twin.Read(y.Gpu, 0), Is.EqualTo(mixed));
    }

    [Test]
    public void Deltas_on_devices_without_tensor_cores_agree_with_the_Reference()
    {
        using var twin = new GpuTwin(PtxDevice.Device, new GpuKernels(PtxDevice.Loader), 7, 3, 0);
        PtxKernelLoader.Launches.Clear();
        KernelChecks.Deltas(twin, 3, RowSet.Step, 32, [(TensorType.F32, 9, false)], places: 1);
        Assert.That(PtxKernelLoader.Launches, Does.Contain("LoraKernels.Expand"));
    }

    /// <summary>An adapter with norms of its own, whose weights are in the other order.</summary>
    private static TestAdapter OwnNorms(string model)
    {
        var values = new ChangedModel(model);
        var adapter = new TestAdapter();
        const string Projection = "model.layers.1.self_attn.q_proj";
        long[] shape = values.ShapeOf(Projection + ".weight");
        var random = new Random(5);
        adapter.Add($"base_model.model.{Projection}.lora_A.weight", TensorType.F32, [4, shape[1]], random);
        adapter.Add($"base_model.model.{Projection}.lora_B.weight", TensorType.F32, [shape[0], 4], random);
        adapter.Config["target_modules"] = @".*\.1\..*q_proj";
        adapter.Config["modules_to_save"] = new JsonArray("norm");
        foreach (string norm in values.Names.Where(name => name.Contains("norm", StringComparison.Ordinal)))
        {
            float[] reversed = [.. values.Values(norm).Reverse()];
            adapter.Tensors.Add(
                ("base_model.model." + norm, "F32", values.ShapeOf(norm), MemoryMarshal.AsBytes<float>(reversed).ToArray()));
        }

        return adapter;
    }

    private static int[] Answer(
        string model, string adapter, SamplingOptions sampling, Func<int, int, IBackend> create, CacheType cache = CacheType.Weights)
    {
        using var engine = new SteppedEngine(builder =>
        {
            builder.UseModel(RepositoryFolder.Fixture(model, "model")).UseBackend(create).ConfigurePool(pool => pool.CacheType = cache)
                .ConfigureScheduling(scheduling => (scheduling.MaxRowsPerStep, scheduling.MaxRunning) = (32, 4));
            if (adapter.Length > 0)
            {
                builder.AddAdapter(adapter, RepositoryFolder.Fixture(model, "adapters", adapter));
            }
        });
        Answer[] answers =
        [
            .. Enumerable.Range(0, 2).Select(i => engine.Ask(new GenerationRequest
            {
                Prompt = Enumerable.Range(3, 18 - (15 * i)).ToArray(),
                MaxTokens = 3,
                IgnoreEndOfText = true,
                Adapter = adapter.Length > 0 && i == 0 ? adapter : null,
                Sampling = sampling,
            })),
        ];
        engine.Finish(answers);
        return [.. answers.SelectMany(answer => answer.Tokens)];
    }
}
