using System.Collections.Concurrent;
using System.Globalization;
using SLoRA.Backends.Gpu;

namespace SLoRA.Fidelity.Tests;

/// <summary>
/// One engine per model folder and backend, shared by all its cases, which run on it side by side. Keys and values are fp32 and adapters as
/// stored, as in the expected values.
/// </summary>
internal sealed class FixtureEngine(LoraServingEngine engine)
{
    /// <summary>The Cpu backend with the types that an engine has unless told otherwise.</summary>
    public const string CpuDefaults = "Cpu, default settings";

    private const string Shards = ", shards ";

    private static readonly ConcurrentDictionary<(string, string), Lazy<Task<FixtureEngine>>> Engines = new();
    private readonly ConcurrentDictionary<string, Lazy<Task<AdapterCoverage>>> _adapters = new();

    public LoraServingEngine Engine { get; } = engine;

    /// <summary>The Cpu backend as so many shards.</summary>
    public static string CpuShards(int shards) => "Cpu" + Shards + shards.ToString(CultureInfo.InvariantCulture);

    /// <summary>The Gpu backend as so many shards, which all use the one device of this machine.</summary>
    public static string GpuShards(int shards) => "Gpu" + Shards + shards.ToString(CultureInfo.InvariantCulture);

    /// <summary>How many shards a backend has.</summary>
    public static int ShardsOf(string backend) => backend.IndexOf(Shards, StringComparison.Ordinal) is >= 0 and int at
        ? int.Parse(backend.AsSpan(at + Shards.Length), CultureInfo.InvariantCulture)
        : 1;

    public static Task<FixtureEngine> Of(string model, string backend) =>
        Engines.GetOrAdd((model, backend), key => new Lazy<Task<FixtureEngine>>(() => Build(key.Item1, key.Item2))).Value;

    public static async Task DisposeAll()
    {
        foreach (Lazy<Task<FixtureEngine>> engine in Engines.Values)
        {
            if (engine.Value.IsCompletedSuccessfully)
            {
                await (await engine.Value).Engine.DisposeAsync();
            }
        }

        Engines.Clear();
    }

    /// <summary>Registers an adapter, once; its content is checked too.</summary>
    public Task<AdapterCoverage> Register(string name, string folder) => _adapters.GetOrAdd(
        name, key => new Lazy<Task<AdapterCoverage>>(() => Engine.Adapters.RegisterAsync(key, folder, AdapterValidation.Content))).Value;

    private static async Task<FixtureEngine> Build(string model, string backend)
    {
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(model)
            .ConfigurePool(pool =>
            {
                pool.Bytes = 64L << 20;
                if (backend != CpuDefaults)
                {
                    pool.CacheType = CacheType.Float32;
                    pool.AdapterWeights = AdapterWeightType.AsStored;
                }
            });
        builder = backend switch
        {
            CpuDefaults => builder.UseCpu(),
            "Cpu" => builder.UseCpu(cpu => cpu.Precision = CpuPrecision.Exact),
            _ when ShardsOf(backend) is > 1 and int devices && backend.StartsWith("Gpu", StringComparison.Ordinal) =>
                builder.UseBackend((rows, outputs) => SLoRA.Backends.Gpu.GpuShards.Create(
                    [.. Enumerable.Range(0, devices).Select(_ => GpuDevice.Open(new GpuOptions()))], rows, outputs, checksPages: true)),
            _ when ShardsOf(backend) is > 1 and int shards =>
                builder.UseCpu(cpu => (cpu.Shards, cpu.Precision) = (shards, CpuPrecision.Exact)),
            "Reference" => builder.UseReference(),
            "Gpu" => builder.UseGpu(),
            _ => throw new ArgumentOutOfRangeException(nameof(backend), backend, "No such backend."),
        };
        return new FixtureEngine(await builder.CheckInvariants().BuildAsync());
    }
}
