using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using SLoRA.Extensions.AI.Tests.Chat;
using SLoRA.Tests;
using SLoRA.Text;

namespace SLoRA.Hosting.Tests;

public sealed class EngineServiceTests
{
    [Test]
    public async Task Options_of_the_device_arrive_from_the_configuration()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("slora-host-");
        try
        {
            Dictionary<string, string?> settings = DemoHost.Settings();
            settings["SLoRA:Cpu:Threads"] = "1";
            settings["SLoRA:Cpu:PackedImage"] = "Complete";
            settings["SLoRA:Cpu:PackedImageFolder"] = folder.FullName;
            using (IHost host = DemoHost.Build(settings))
            {
                await host.StartAsync();
                Assert.That(host.Get<ILoraEngine>().Status.Backend.PackedImage?.IsWritten, Is.True);
                await host.StopAsync();
            }

            Assert.That(folder.GetFiles(), Has.Length.EqualTo(1));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Test]
    public async Task A_host_serves_the_base_and_each_adapter_of_its_configuration()
    {
        using IHost host = DemoHost.Build(configure: builder => builder.AddChatClient("hotel"));
        await host.StartAsync();
        IChatClient client = host.Get<IChatClient>();
        ChatResponse ofBase = await client.GetResponseAsync("When are you open?");
        ChatResponse ofBakery =
            await host.Services.GetRequiredKeyedService<IChatClient>("bakery").GetResponseAsync("When are you open?");
        Assert.That((ofBase.ModelId, ofBase.Text), Is.EqualTo(("desk", "I can help, but I do not know which place you mean.")));
        Assert.That(ofBakery.ModelId, Is.EqualTo("bakery"));
        Assert.That(ofBakery.Text, Is.EqualTo("Yay, come on over! We are open from 6:30 am to 2 pm!"));
        await Assert.ThrowsAsync<SLoRA.Extensions.AI.ModelNotFoundException>(
            () => host.Services.GetRequiredKeyedService<IChatClient>("hotel").GetResponseAsync("Hi"));
        Assert.That(host.Get<TextGenerator>().Tokenizer, Is.SameAs(client.GetService<ModelTokenizer>()));
        Assert.That(host.Get<ILoraEngine>(), Is.SameAs(client.GetService<ILoraEngine>()));
        await host.StopAsync();
    }

    [Test]
    public async Task A_folder_of_MLX_in_the_configuration_is_an_adapter_like_any()
    {
        string folder = Directory.CreateTempSubdirectory("slora-host-").FullName;
        try
        {
            MlxFolder.Of(Path.Combine(DemoModel.Folder, "adapters", "bakery")).Write(folder);
            Dictionary<string, string?> settings = DemoHost.Settings();
            settings["SLoRA:Adapters:mlx"] = folder;
            using IHost host = DemoHost.Build(settings, builder => builder.AddChatClient("mlx"));
            await host.StartAsync();
            ChatResponse answer =
                await host.Services.GetRequiredKeyedService<IChatClient>("mlx").GetResponseAsync("When are you open?");
            Assert.That((answer.ModelId, answer.Text), Is.EqualTo(("mlx", "Yay, come on over! We are open from 6:30 am to 2 pm!")));
            await host.StopAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public async Task Middleware_goes_around_the_hosts_client_as_around_any()
    {
        using IHost host = DemoHost.Build(configure: builder => builder
            .ConfigureChat(options => options with { ProviderUri = new Uri("http://desk.example:1") })
            .Services.AddChatClient(provider => provider.GetRequiredService<SLoRA.Extensions.AI.LoraChatClient>()).UseFunctionInvocation());
        await host.StartAsync();
        IChatClient client = host.Get<IChatClient>();
        Assert.That(client, Is.TypeOf<FunctionInvokingChatClient>());
        Assert.That(client.GetRequiredService<ChatClientMetadata>().ProviderUri?.Host, Is.EqualTo("desk.example"));
        Assert.That((await client.GetResponseAsync("Hello!")).Text, Does.StartWith("Hello!"));
        await host.StopAsync();
    }

    [Test]
    public async Task Loading_says_how_far_it_is_and_the_first_request_finds_a_warm_engine()
    {
        var log = new FakeLogCollector();
        using IHost host = DemoHost.Build(log: new FakeLoggerProvider(log));
        await host.StartAsync();
        string[] said = [.. log.GetSnapshot().Where(entry => entry.Category!.StartsWith("SLoRA.Hosting", StringComparison.Ordinal))
            .Select(entry => entry.Message)];
        Assert.That(said[0], Does.StartWith("Loading the model of"));
        Assert.That(said, Has.Some.StartsWith("Loading, weights: 100 %"));
        Assert.That(said[^1], Does.StartWith("Ready: LlamaForCausalLM on Cpu, 1 adapters"));
        Assert.That(host.Get<ILoraEngine>().Status.GeneratedTokens, Is.EqualTo(1));
        await host.StopAsync();
    }

    [Test]
    public async Task A_host_that_stops_lets_requests_end_and_refuses_new_ones()
    {
        using IHost host = DemoHost.Build();
        await host.StartAsync();
        IChatClient client = host.Get<IChatClient>();
        var endless = new ChatOptions { AdditionalProperties = new() { ["slora.ignore_eos"] = true } };
        IAsyncEnumerator<ChatResponseUpdate> running = client.GetStreamingResponseAsync("Hello!", endless).GetAsyncEnumerator();
        await running.MoveNextAsync();
        Task stopping = host.StopAsync();
        ChatResponseUpdate last = running.Current;
        while (await running.MoveNextAsync())
        {
            last = running.Current;
        }

        await running.DisposeAsync();
        await stopping;
        Assert.That(last.FinishReason, Is.EqualTo(ChatFinishReason.Length));
        Assert.That(last.Contents.OfType<UsageContent>().Single().Details.OutputTokenCount, Is.EqualTo(100));
        SLoraException? error = await Assert.CatchAsync<SLoraException>(() => client.GetResponseAsync("Hello!"));
        Assert.That(error!.Category, Is.EqualTo(ErrorCategory.Capacity));
        await host.Get<ILoraEngine>().Completion;
    }

    [Test]
    public async Task What_has_not_ended_in_its_time_is_ended()
    {
        Dictionary<string, string?> settings = DemoHost.Settings();
        settings["SLoRA:DrainTimeout"] = "00:00:00";
        settings["SLoRA:Scheduling:StreamBuffer"] = "1";
        using IHost host = DemoHost.Build(settings);
        await host.StartAsync();
        var endless = new ChatOptions { AdditionalProperties = new() { ["slora.ignore_eos"] = true } };
        await using IAsyncEnumerator<ChatResponseUpdate> running =
            host.Get<IChatClient>().GetStreamingResponseAsync("Hello!", endless).GetAsyncEnumerator();
        await running.MoveNextAsync();
        await host.StopAsync();
        await Assert.ThrowsAsync<EngineDisposedException>(async () =>
        {
            while (await running.MoveNextAsync())
            {
            }
        });
    }

    [Test]
    public async Task While_the_model_is_loaded_in_the_background_requests_are_told_so()
    {
        Dictionary<string, string?> settings = DemoHost.Settings();
        settings["SLoRA:LoadInBackground"] = "true";
        using var gate = new ManualResetEventSlim();
        using IHost host = DemoHost.Build(settings, builder => builder.ConfigureEngine((_, _) => gate.Wait()));
        await host.StartAsync();
        IChatClient client = host.Get<IChatClient>();
        EngineNotReadyException? error = await Assert.ThrowsAsync<EngineNotReadyException>(() => client.GetResponseAsync("Hello!"));
        Assert.That((error!.Code, error.Category), Is.EqualTo(("engine.not-ready", ErrorCategory.Capacity)));
        Assert.That(await HealthAsync(host), Is.EqualTo((HealthStatus.Healthy, HealthStatus.Unhealthy)), "live, not ready");
        gate.Set();
        await host.Get<HostedEngine>().Loaded;
        Assert.That(await HealthAsync(host), Is.EqualTo((HealthStatus.Healthy, HealthStatus.Healthy)));
        Assert.That((await client.GetResponseAsync("Hello!")).Text, Does.StartWith("Hello!"));
        await host.StopAsync();
        Assert.That(await HealthAsync(host), Is.EqualTo((HealthStatus.Unhealthy, HealthStatus.Unhealthy)));
    }

    [Test]
    public async Task A_model_that_cannot_be_loaded_in_the_background_stops_the_host()
    {
        Dictionary<string, string?> settings = DemoHost.Settings();
        settings["SLoRA:LoadInBackground"] = "true";
        settings["SLoRA:Pool:PageTokens"] = "3";
        using IHost host = DemoHost.Build(settings);
        var stopping = new TaskCompletionSource();
        host.Get<IHostApplicationLifetime>().ApplicationStopping.Register(stopping.SetResult);
        await host.StartAsync();
        await stopping.Task;
        await Assert.ThrowsAsync<InvalidOptionException>(() => host.Get<HostedEngine>().Loaded);
        Assert.That((await HealthAsync(host)).Live, Is.EqualTo(HealthStatus.Unhealthy));
        await host.StopAsync();
    }

    [Test]
    public async Task A_host_that_stops_while_it_loads_stops()
    {
        Dictionary<string, string?> settings = DemoHost.Settings();
        settings["SLoRA:LoadInBackground"] = "true";
        using var gate = new ManualResetEventSlim();
        using IHost host = DemoHost.Build(settings, builder => builder.ConfigureEngine((_, _) => gate.Wait()));
        await host.StartAsync();
        Task stopping = host.StopAsync();
        gate.Set();
        await stopping;
        await Assert.CatchAsync<SLoraException>(() => host.Get<IChatClient>().GetResponseAsync("Hello!"));
    }

    /// <summary>As a container does that is disposed of without the host being stopped.</summary>
    [Test]
    public async Task An_engine_that_is_there_when_its_services_are_gone_remains_its_makers()
    {
        var hosted = new HostedEngine();
        await hosted.DisposeAsync();
        Assert.That(hosted.TrySet(new ScriptedEngine(DemoModel.Tokenizer, _ => "")), Is.False);
        await Assert.ThrowsAsync<EngineDisposedException>(() => hosted.Completion);
    }

    [Test]
    public async Task A_model_that_cannot_be_loaded_is_the_error_of_starting()
    {
        Dictionary<string, string?> settings = DemoHost.Settings();
        settings["SLoRA:Pool:PageTokens"] = "3";
        using IHost host = DemoHost.Build(settings);
        Assert.That((await Assert.ThrowsAsync<InvalidOptionException>(() => host.StartAsync()))!.Option, Is.EqualTo("Pool.PageTokens"));
    }

    [TestCase("SLoRA:Model", "", "Model")]
    [TestCase("SLoRA:Model", "/no/such/folder", "SLoRAOptions: Model is '/no/such/folder'")]
    [TestCase("SLoRA:Backend", "Npu", "Npu")]
    [TestCase("SLoRA:Adapters:hotel", "/no/such/folder", "Adapters:hotel")]
    [TestCase("SLoRA:DrainTimeout", "-00:00:01", "DrainTimeout")]
    [TestCase("SLoRA:DrainTimeout", "1.00:00:01", "DrainTimeout")]
    [TestCase("SLoRA:LiveTimeout", "00:00:00", "LiveTimeout")]
    [TestCase("SLoRA:LiveTimeout", "1.00:00:01", "LiveTimeout")]
    [TestCase("SLoRA:ReadyWaiting", "0", "ReadyWaiting")]
    public async Task Options_that_cannot_be_are_refused_when_the_host_starts(string name, string value, string told)
    {
        Dictionary<string, string?> settings = DemoHost.Settings();
        settings[name] = value;
        using IHost host = DemoHost.Build(settings);
        OptionsValidationException? error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.That(error!.Message, Does.Contain(told));
        Assert.That(host.Get<HostedEngine>().IsLoaded, Is.False);
    }

    [Test]
    public async Task A_folder_that_is_not_there_is_told_with_the_place_where_it_was_looked_for()
    {
        Dictionary<string, string?> settings = DemoHost.Settings();
        settings["SLoRA:Model"] = "no/such/folder";
        using IHost host = DemoHost.Build(settings);
        OptionsValidationException? error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.That(error!.Message, Does.Contain(Environment.CurrentDirectory));
    }

    [Test]
    public async Task An_adapter_in_the_place_of_its_model_is_told()
    {
        Dictionary<string, string?> settings = DemoHost.Settings();
        settings["SLoRA:Model"] = Path.Combine(DemoModel.Folder, "adapters", "bakery");
        using IHost host = DemoHost.Build(settings);
        OptionsValidationException? error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.That(error!.Message, Does.Contain("folder of an adapter"));
    }

    [Test]
    public async Task A_name_in_the_configuration_that_nobody_knows_is_refused()
    {
        Dictionary<string, string?> settings = DemoHost.Settings();
        settings["SLoRA:Pool:Byte"] = "1";
        using IHost host = DemoHost.Build(settings);
        InvalidOperationException? error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync());
        Assert.That(error!.Message, Does.Contain("Byte"));
    }

    private static async Task<(HealthStatus Live, HealthStatus Ready)> HealthAsync(IHost host)
    {
        HealthReport report = await host.Get<HealthCheckService>().CheckHealthAsync();
        return (report.Entries[SLoRABuilder.LiveCheck].Status, report.Entries[SLoRABuilder.ReadyCheck].Status);
    }
}
