using SLoRA.Text;

namespace SLoRA.PublicApi.Tests.Engine;

[Parallelizable(ParallelScope.All)]
internal sealed class ErrorCategoryTests
{
    private static readonly (SLoraException Error, ErrorCategory Category)[] Expected =
    [
        (new AdapterExistsException("a"), ErrorCategory.Caller),
        (new AdapterNotFoundException("a"), ErrorCategory.Caller),
        (new AdapterTooLargeException("a", 1, 2, 3, 4), ErrorCategory.Caller),
        (new InvalidOptionException("a", "b"), ErrorCategory.Caller),
        (new InvalidRequestException("a", "b"), ErrorCategory.Caller),
        (new RequestTooLargeException(1, 2, 3), ErrorCategory.Caller),
        (new ConsumerStalledException(TimeSpan.FromSeconds(1)), ErrorCategory.Caller),
        (new TokenizerException("tokenizer.unknown", "a"), ErrorCategory.Caller),
        (new TokenizerException("tokenizer.limit", "a"), ErrorCategory.Caller),
        (new TokenizerException("tokenizer.adapter", "a"), ErrorCategory.Caller),
        (new ChatTemplateException("template.input", "a"), ErrorCategory.Caller),
        (new ChatTemplateException("template.raised", "a"), ErrorCategory.Caller),
        (new DeadlineExceededException(TimeSpan.FromSeconds(1)), ErrorCategory.Capacity),
        (new FirstTokenTargetException(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)), ErrorCategory.Capacity),
        (new EngineBusyException(1), ErrorCategory.Capacity),
        (new EngineDisposedException(), ErrorCategory.Capacity),
        (new EngineDrainingException(), ErrorCategory.Capacity),
        (new EngineFaultedException(new IOException()), ErrorCategory.Server),
        (new GpuException(GpuError.NoDevice, "a"), ErrorCategory.Server),
        (new ShardFailedException(0, "Attend", new IOException()), ErrorCategory.Server),
        (new InvalidLogitsException("a"), ErrorCategory.Server),
        (new TokenizerException("tokenizer.format", "a"), ErrorCategory.Server),
        (new ChatTemplateException("template.syntax", "a"), ErrorCategory.Server),
    ];

    /// <summary>Those that only a failed load makes; their categories are held where such loads are tested.</summary>
    private static readonly Type[] MadeByLoading =
        [typeof(AdapterLoadException), typeof(AdapterChangedException), typeof(ModelLoadException), typeof(MemoryException)];

    [Test]
    public void Every_error_says_whose_matter_it_is() => Assert.Multiple(() =>
    {
        foreach ((SLoraException error, ErrorCategory category) in Expected)
        {
            Assert.That(error.Category, Is.EqualTo(category), error.Code);
        }
    });

    [Test]
    public void No_error_is_forgotten()
    {
        IEnumerable<Type> all =
            new[] { typeof(SLoraException), typeof(TokenizerException) }.SelectMany(type => type.Assembly.GetExportedTypes())
            .Where(type => type.IsSubclassOf(typeof(SLoraException)));
        Assert.That(all, Is.EquivalentTo(Expected.Select(each => each.Error.GetType()).Concat(MadeByLoading).Distinct()));
    }

    [Test]
    public void A_model_that_is_not_there_is_the_servers_matter() => Assert.That(
        async () => await LoraServingEngine.CreateBuilder().UseModel("no such folder").BuildAsync(),
        Throws.TypeOf<ModelLoadException>().With.Property(nameof(SLoraException.Category)).EqualTo(ErrorCategory.Server));

    [Test]
    public async Task An_adapter_that_is_not_there_is_the_servers_matter()
    {
        await using LoraServingEngine engine = await Demo.StartAsync();
        Assert.That(
            async () => await engine.Adapters.RegisterAsync("gone", "no such folder"),
            Throws.TypeOf<AdapterLoadException>().With.Property(nameof(SLoraException.Category)).EqualTo(ErrorCategory.Server));
    }
}
