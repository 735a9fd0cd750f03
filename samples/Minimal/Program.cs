using Microsoft.Extensions.AI;
using SLoRA;
using SLoRA.Extensions.AI;

await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
    .UseModel("samples/models/frontdesk/model").AddAdapter("bakery", "samples/models/frontdesk/adapters/bakery").BuildAsync();
IChatClient bakery = engine.AsChatClient("bakery");
await foreach (ChatResponseUpdate update in bakery.GetStreamingResponseAsync("When are you open?"))
{
    Console.Write(update);
}

Console.WriteLine();
