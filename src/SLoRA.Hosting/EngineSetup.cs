namespace SLoRA.Hosting;

/// <summary>What a host adds to the description of its engine.</summary>
internal sealed record EngineSetup(Action<IServiceProvider, LoraServingEngineBuilder> Configure);
