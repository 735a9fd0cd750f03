using NUnit.Framework;

namespace SLoRA.Core.Tests;

/// <summary>Every option of an engine has a bound, and beyond it is refused by name.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class OptionRulesTests
{
    private static readonly (string Option, Action<LoraServingEngineBuilder> Largest, Action<LoraServingEngineBuilder> Beyond)[] Rows =
    [
        Scheduling("MaxRowsPerStep", 65_536, (options, value) => options.MaxRowsPerStep = value),
        Scheduling("MaxPromptRowsPerStep", 65_536, (options, value) => options.MaxPromptRowsPerStep = value),
        Scheduling("MaxRunning", 65_536, (options, value) => options.MaxRunning = value),
        Scheduling("MaxWaiting", 1_000_000, (options, value) => options.MaxWaiting = value),
        Scheduling("StreamBuffer", 65_536, (options, value) => options.StreamBuffer = value),
        ("Pool.Bytes", builder => builder.ConfigurePool(pool => pool.Bytes = 1L << 50),
            builder => builder.ConfigurePool(pool => pool.Bytes = (1L << 50) + 1)),
        ("Pool.PageTokens", builder => builder.ConfigurePool(pool => pool.PageTokens = 256),
            builder => builder.ConfigurePool(pool => pool.PageTokens = 512)),
        ("Pool.CacheType", builder => builder.ConfigurePool(pool => pool.CacheType = CacheType.BFloat16),
            builder => builder.ConfigurePool(pool => pool.CacheType = (CacheType)9)),
        ("Pool.AdapterWeights", _ => { }, builder => builder.ConfigurePool(pool => pool.AdapterWeights = (AdapterWeightType)99)),
        Adapters("MaxConcurrentLoads", 256, (options, value) => options.MaxConcurrentLoads = value),
        ("Adapters.ChangedContent", builder => builder.ConfigureAdapters(adapters => adapters.ChangedContent = ChangedContent.Adopt),
            builder => builder.ConfigureAdapters(adapters => adapters.ChangedContent = (ChangedContent)2)),
        Adapters("MaxSourceNames", 10_000_000, (options, value) => options.MaxSourceNames = value),
        Adapters("MaxAddedTokens", 1 << 20, (options, value) => options.MaxAddedTokens = value),
        ("Metrics.MaxAdapterTags", builder => builder.ConfigureMetrics(metrics => metrics.MaxAdapterTags = 65_536),
            builder => builder.ConfigureMetrics(metrics => metrics.MaxAdapterTags = 65_537)),
        ("Metrics.MaxAccountTags", builder => builder.ConfigureMetrics(metrics => metrics.MaxAccountTags = 65_536),
            builder => builder.ConfigureMetrics(metrics => metrics.MaxAccountTags = 65_537)),
        ("Cpu.Shards", builder => builder.UseCpu(cpu => cpu.Shards = 8), builder => builder.UseCpu(cpu => cpu.Shards = 6)),
        ("Cpu.Threads", builder => builder.UseCpu(cpu => cpu.Threads = 1024), builder => builder.UseCpu(cpu => cpu.Threads = 4096)),
        ("Cpu.Placement", builder => builder.UseCpu(cpu => cpu.Placement = CpuPlacement.Off),
            builder => builder.UseCpu(cpu => cpu.Placement = (CpuPlacement)2)),
        ("Cpu.PackedImage", builder => builder.UseCpu(cpu => cpu.PackedImage = PackedImageUse.Complete),
            builder => builder.UseCpu(cpu => cpu.PackedImage = (PackedImageUse)3)),
        ("Cpu.PackedImageFolder", builder => builder.UseCpu(cpu => cpu.PackedImageFolder = "."),
            builder => builder.UseCpu(cpu => cpu.PackedImageFolder = " ")),
        ("Gpu.Device", builder => builder.UseGpu(gpu => gpu.Device = 7), builder => builder.UseGpu(gpu => gpu.Device = -1)),
        ("Gpu.Devices", builder => builder.UseGpu(gpu => gpu.Devices = [0, 1, 2, 3, 4, 5, 6, 7]),
            builder => builder.UseGpu(gpu => gpu.Devices = [0, 1, 2])),
        ("Gpu.Devices", builder => builder.UseGpu(gpu => gpu.Devices = [1, 0]), builder => builder.UseGpu(gpu => gpu.Devices = [1, 1])),
        ("Gpu.Devices", builder => builder.UseGpu(gpu => gpu.Devices = []), builder => builder.UseGpu(gpu => gpu.Devices = [0, -1])),
        ("Gpu.Device", builder => builder.UseGpu(gpu => gpu.Device = 3),
            builder => builder.UseGpu(gpu => (gpu.Device, gpu.Devices) = (1, [0, 1]))),
        ("Gpu.Driver", builder => builder.UseGpu(gpu => gpu.Driver = GpuDriver.OpenCL),
            builder => builder.UseGpu(gpu => gpu.Driver = (GpuDriver)9)),
        ("Gpu.Exchange", builder => builder.UseGpu(gpu => gpu.Exchange = GpuExchange.Nccl),
            builder => builder.UseGpu(gpu => gpu.Exchange = (GpuExchange)2)),
        ("Gpu.Products", builder => builder.UseGpu(gpu => gpu.Products = GpuProducts.CuBlas),
            builder => builder.UseGpu(gpu => gpu.Products = (GpuProducts)9)),
    ];

    private static IEnumerable<TestCaseData> Options => Rows.Select((row, place) => new TestCaseData(place).SetArgDisplayNames(row.Option));

    [TestCaseSource(nameof(Options))]
    public async Task What_is_beyond_a_bound_is_refused_by_name_and_what_is_at_it_is_not(int row)
    {
        (string option, Action<LoraServingEngineBuilder> largest, Action<LoraServingEngineBuilder> beyond) = Rows[row];

        // Options are checked before the model is looked for.
        Assert.That(await ErrorOf(largest), Is.TypeOf<ModelLoadException>());
        Assert.That(await ErrorOf(beyond), Is.TypeOf<InvalidOptionException>().With.Property("Option")
            .EqualTo(option).And.Message.Contains(option));
    }

    [Test]
    public async Task Whole_options_are_taken_as_they_are_then()
    {
        (string Option, Action<LoraServingEngineBuilder> Give)[] cases =
        [
            ("Pool.PageTokens", builder => builder.ConfigurePool(new PoolOptions { PageTokens = 3 })),
            ("Scheduling.MaxRunning", builder => builder.ConfigureScheduling(new SchedulingOptions { MaxRunning = 0 })),
            ("Adapters.MaxAddedTokens", builder => builder.ConfigureAdapters(new AdapterCacheOptions { MaxAddedTokens = -1 })),
            ("Adapters.MaxSourceNames", builder => builder.ConfigureAdapters(new AdapterCacheOptions { MaxSourceNames = 0 })),
            ("Metrics.MaxAdapterTags", builder => builder.ConfigureMetrics(new MetricsOptions { MaxAdapterTags = -1 })),
        ];
        foreach ((string option, Action<LoraServingEngineBuilder> give) in cases)
        {
            Assert.That((await ErrorOf(give) as InvalidOptionException)?.Option, Is.EqualTo(option));
        }

        var pool = new PoolOptions();
        Exception? error = await ErrorOf(builder =>
        {
            builder.ConfigurePool(pool);
            pool.PageTokens = 3;
        });
        Assert.That(error, Is.TypeOf<ModelLoadException>(), "a copy was taken");
    }

    private static async Task<Exception?> ErrorOf(Action<LoraServingEngineBuilder> configure)
    {
        try
        {
            LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder().UseModel("no-such-folder");
            configure(builder);
            await using LoraServingEngine engine = await builder.BuildAsync();
            return null;
        }
        catch (SLoraException error)
        {
            return error;
        }
    }

    private static (string Option, Action<LoraServingEngineBuilder> Largest, Action<LoraServingEngineBuilder> Beyond) Scheduling(
        string option, int largest, Action<SchedulingOptions, int> set) => (
        "Scheduling." + option,
        builder => builder.ConfigureScheduling(options => set(options, largest)),
        builder => builder.ConfigureScheduling(options => set(options, largest + 1)));

    private static (string Option, Action<LoraServingEngineBuilder> Largest, Action<LoraServingEngineBuilder> Beyond) Adapters(
        string option, int largest, Action<AdapterCacheOptions, int> set) => (
        "Adapters." + option,
        builder => builder.ConfigureAdapters(options => set(options, largest)),
        builder => builder.ConfigureAdapters(options => set(options, largest + 1)));
}
