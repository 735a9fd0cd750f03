using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Tests.Clients;

/// <summary>The page of <c>samples/ChatServer</c> in a Chromium without a window, driven by Playwright.</summary>
[Category("Long")]
public sealed class ChatPageTests
{
    private static readonly string[] Places =
        ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private JsonNode _seen = null!;

    [OneTimeSetUp]
    public async Task Look()
    {
        string? browser = Environment.GetEnvironmentVariable("SLORA_CHROMIUM") ?? Places.FirstOrDefault(File.Exists);
        if (browser is null)
        {
            Assert.Ignore("No Chromium is installed; SLORA_CHROMIUM may name one.");
        }

        using NodeFolder node = await NodeFolder.InstallAsync("playwright-core@1");
        await using ChatServerProcess server = await ChatServerProcess.StartAsync();
        _seen = JsonNode.Parse(await node.RunAsync("page.mjs", server.Address.ToString(), browser!))!;
    }

    [Test]
    public void The_page_has_no_errors() => Assert.That(_seen["problems"]!.AsArray().Select(problem => (string?)problem), Is.Empty);

    [Test]
    public async Task By_keyboard_alone_the_tenants_that_were_chosen_answer_side_by_side()
    {
        await using LoraServingEngine engine = await Demo.StartAsync();
        var generator = new TextGenerator(engine, Demo.Tokenizer);
        JsonNode keyboard = _seen["keyboard"]!;

        // The first four are chosen when the page opens; the test took the bakery out and the museum in.
        string[] chosen = ["bicycles", "clinic", "garden", "museum"];
        foreach (string tenant in chosen)
        {
            string known = (await generator.CompleteAsync(Demo.Request(tenant))).Text;
            Assert.That((string?)keyboard["answers"]![tenant], Is.EqualTo(known), tenant);
        }

        Assert.Multiple(() =>
        {
            Assert.That(keyboard["answers"]!.AsObject().Select(answer => answer.Key), Is.EqualTo(chosen));
            Assert.That(
                keyboard["passed"]!.AsArray().Select(place => (string?)place!["outline"]), Is.All.EqualTo("solid"), "focus can be seen");
            Assert.That((string?)keyboard["passed"]!.AsArray()[^1]!["id"], Is.EqualTo("question"));
            Assert.That(keyboard["tops"]!.AsArray().Select(top => (double)top!).Distinct().Count(), Is.EqualTo(1), "one row");
            Assert.That(keyboard["notes"]!.AsArray().Select(note => (string?)note), Is.All.Match(@"^\d+ tokens asked, \d+ answered$"));
            Assert.That((string?)keyboard["status"], Does.Match(@"^step \d+: .* in all$"));
        });
    }

    [TestCase(0)]
    [TestCase(1)]
    public void On_a_phone_nothing_sticks_out_and_everything_can_be_touched(int phone)
    {
        JsonNode seen = _seen["phones"]![phone]!;
        Assert.Multiple(() =>
        {
            Assert.That((double)seen["before"]!, Is.Zero, "wider than the phone");
            Assert.That((double)seen["after"]!, Is.Zero, "wider than the phone, with answers");
            Assert.That(seen["lefts"]!.AsArray().Select(left => (double)left!).Distinct().Count(), Is.EqualTo(1), "one column");
            Assert.That((double)seen["smallest"]!, Is.GreaterThanOrEqualTo(24), "pixels of the lowest target");
            Assert.That((double)seen["font"]!, Is.GreaterThanOrEqualTo(16));
        });
    }

    [Test]
    public void Answers_can_be_stopped_and_refusals_are_told()
    {
        JsonNode trouble = _seen["trouble"]!;
        Assert.Multiple(() =>
        {
            Assert.That((bool)trouble["couldStop"]!, Is.True);
            Assert.That(trouble["stopped"]!.AsArray().Select(note => (string?)note), Is.EqualTo(Enumerable.Repeat("stopped", 4)));
            Assert.That((bool)trouble["isQuiet"]!, Is.True, "there is nothing more to stop");
            Assert.That(
                trouble["refused"]!.AsArray().Select(note => (string?)note), Is.EqualTo(Enumerable.Repeat("The server is stopping.", 4)));
        });
    }
}
