using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace SLoRA.HuggingFace.Tests.Fake;

/// <summary>A Hub and its CDN on two ports of loopback. It answers as protocol.jsonl and the transcripts of the fixtures say.</summary>
internal sealed class FakeHub : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly List<HubExchange> _exchanges = [];
    private readonly List<HubFault> _faults = [];
    private readonly Lock _turn = new();
    private int _hubPort;

    private FakeHub(HubContent content)
    {
        Content = content;
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        _application = builder.Build();
        _application.Run(AnswerAsync);
    }

    public HubContent Content { get; }

    public Uri Hub { get; private set; } = null!;

    public Uri Cdn { get; private set; } = null!;

    /// <summary>All requests so far, in order.</summary>
    public HubExchange[] Exchanges
    {
        get
        {
            lock (_turn)
            {
                return [.. _exchanges];
            }
        }
    }

    public static async Task<FakeHub> StartAsync(string? folder = null)
    {
        var hub = new FakeHub(HubContent.Read(folder ?? RepositoryFolder.HubFixtures.First()));
        await hub._application.StartAsync();
        IServer server = hub._application.Services.GetRequiredService<IServer>();
        Uri[] addresses = [.. server.Features.Get<IServerAddressesFeature>()!.Addresses.Select(text => new Uri(text))];
        (hub.Hub, hub.Cdn, hub._hubPort) = (addresses[0], addresses[1], addresses[0].Port);
        return hub;
    }

    /// <summary>Lets something go wrong.</summary>
    public HubFault Break(HubFault fault)
    {
        lock (_turn)
        {
            _faults.Add(fault);
        }

        return fault;
    }

    /// <summary>Nothing goes wrong any more, and no request has come.</summary>
    public void Reset()
    {
        lock (_turn)
        {
            _faults.Clear();
            _exchanges.Clear();
        }
    }

    /// <summary>Moves the refs of a repository to where repositories.json says that they move.</summary>
    public void Move(string repository)
    {
        HubRepository moved = Content.Repositories[repository];
        foreach ((string name, string commit) in moved.Later)
        {
            moved.Refs[name] = commit;
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_turn)
        {
            _faults.ForEach(fault => fault.Release());
        }

        await _application.StopAsync(new CancellationToken(canceled: true));
        await _application.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        bool atCdn = context.Connection.LocalPort != _hubPort;
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        string method = context.Request.Method;
        IHeaderDictionary headers = context.Request.Headers;
        HubFault? fault;
        lock (_turn)
        {
            string to = atCdn ? "CDN" : "HUB";
            _exchanges.Add(new HubExchange(to, method, target, headers.Authorization, headers.Range, headers.AcceptEncoding));
            fault = _faults.Find(candidate => candidate.Concerns(atCdn, method, target));
            if (fault is not null)
            {
                fault.Times--;
            }
        }

        var answer = new HubAnswer(context, fault);
        if (fault?.Stall == true)
        {
            await fault.WaitAsync(context.RequestAborted);
        }

        if (fault?.Status is { } status)
        {
            await answer.ErrorAsync(status, fault.Headers.GetValueOrDefault("X-Error-Code"), "as the test wants it");
            return;
        }

        await (atCdn
            ? new FakeCdn(Content).AnswerAsync(answer, target, headers.Authorization)
            : new HubPages(this).AnswerAsync(answer, target));
    }
}
