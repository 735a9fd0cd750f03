using SLoRA;
using SLoRA.Text;

const string Demo = "samples/models/frontdesk";
Tokenizer tokenizer = Tokenizer.Load($"{Demo}/model");
await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
    .UseModel($"{Demo}/model").AddAdapter("bakery", $"{Demo}/adapters/bakery").BuildAsync();
int[] prompt = tokenizer.EncodeChat([new ChatMessage("user", "When are you open?")]);
TextStream text = tokenizer.CreateStream(prompt);
await foreach (GeneratedToken token in engine.GenerateAsync(new GenerationRequest { Prompt = prompt, Adapter = "bakery" }))
{
    Console.Out.Write(text.Append(token.Id));
}

Console.Out.WriteLine(text.Finish());
