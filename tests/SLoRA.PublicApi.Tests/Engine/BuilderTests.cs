namespace SLoRA.PublicApi.Tests.Engine;

[Parallelizable(ParallelScope.All)]
public sealed class BuilderTests
{
    [Test]
    public async Task Loading_reports_its_progress()
    {
        var reports = new Reports();
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder().UseModel(Demo.Model).BuildAsync(reports);

        Assert.That(reports.All, Is.Not.Empty);
        Assert.Multiple(() =>
        {
            foreach (IGrouping<string, LoadProgress> stage in reports.All.GroupBy(report => report.Stage))
            {
                Assert.That(stage.Select(report => report.BytesDone), Is.Ordered, stage.Key);
                Assert.That(stage.Last().BytesDone, Is.EqualTo(stage.Last().BytesTotal), stage.Key);
            }
        });
    }

    [Test]
    public async Task Loading_can_be_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var reports = new Reports { WhenReported = cancellation.Cancel };

        await Assert.ThatAsync(
            () => LoraServingEngine.CreateBuilder().UseModel(Demo.Model)
                .BuildAsync(reports, cancellation.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task The_model_describes_itself()
    {
        await using LoraServingEngine engine = await Demo.StartAsync("bakery");

        Assert.Multiple(() =>
        {
            Assert.That(engine.Model.Architecture, Is.EqualTo("LlamaForCausalLM"));
            Assert.That(engine.Model.VocabularySize, Is.EqualTo(2048));
            Assert.That(engine.Model.ContextLength, Is.EqualTo(1024));
            Assert.That(engine.Model.EndOfTextTokens, Is.EquivalentTo(new[] { 0, 2 }));
            Assert.That(engine.Backend, Is.EqualTo("Cpu"));
        });
    }

    [Test]
    public void A_model_that_is_not_there_is_named() => Assert.That(
        () => LoraServingEngine.CreateBuilder().UseModel("no-such-folder").BuildAsync(),
        Throws.TypeOf<ModelLoadException>().With.Message.Contains("no-such-folder"));

    [Test]
    public void A_builder_without_a_model_is_refused() => Assert.That(
        () => LoraServingEngine.CreateBuilder().BuildAsync(), Throws.TypeOf<InvalidOptionException>());

    [Test]
    public void A_pool_of_less_than_a_page_is_refused() => Assert.That(
        () => Demo.StartAsync(builder => builder.ConfigurePool(pool => pool.Bytes = 1)), Throws.TypeOf<InvalidOptionException>());

    [Test]
    public void Unknown_ways_to_keep_weights_are_refused() => Assert.That(
        () => LoraServingEngine.CreateBuilder()
            .UseCpu(cpu => cpu.Weights = (CpuWeights)7), Throws.TypeOf<InvalidOptionException>().With.Message.Contains("Weights"));

    [TestCase(CpuWeights.Int8)]
    [TestCase(CpuWeights.Int4)]
    public void Exact_products_with_weights_that_are_to_be_rounded_are_refused(CpuWeights weights) => Assert.That(
        () => LoraServingEngine.CreateBuilder().UseCpu(cpu => (cpu.Precision, cpu.Weights) = (CpuPrecision.Exact, weights)),
        Throws.TypeOf<InvalidOptionException>().With.Property(nameof(InvalidOptionException.Option)).EqualTo("Cpu.Precision"));

    [Test]
    public void Unknown_precisions_are_refused() => Assert.That(
        () => LoraServingEngine.CreateBuilder().UseCpu(cpu => cpu.Precision = (CpuPrecision)7),
        Throws.TypeOf<InvalidOptionException>().With.Message.Contains("Precision"));

    [Test]
    public async Task With_int8_weights_tenants_give_their_known_answers()
    {
        await using LoraServingEngine engine =
            await Demo.StartAsync(builder => builder.UseCpu(cpu => cpu.Weights = CpuWeights.Int8), Demo.Tenants);
        string[] answers = await Task.WhenAll(Demo.Tenants.Select(tenant => engine.AskAsync(Demo.Request(tenant))));
        Assert.That(answers, Is.EqualTo(Demo.Tenants.Select(tenant => Demo.Answer(tenant))));
    }

    [Test]
    public void A_broken_adapter_of_the_builder_is_named() => Assert.That(
        () => Demo.StartAsync(builder => builder.AddAdapter("florist", Demo.Model)),
        Throws.TypeOf<AdapterLoadException>().With.Message.Contains("florist"));

    private sealed class Reports : IProgress<LoadProgress>
    {
        public List<LoadProgress> All { get; } = [];

        public Action WhenReported { get; init; } = () => { };

        public void Report(LoadProgress value)
        {
            All.Add(value);
            WhenReported();
        }
    }
}
