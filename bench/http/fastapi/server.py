"""FastAPI's side of ./dev bench --http: pydantic checks the body."""
from typing import Optional

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field, constr

app = FastAPI()


class Order(BaseModel):
    name: constr(min_length=1, max_length=80)
    price: float = Field(gt=0)
    quantity: int = Field(ge=1, le=1000)
    color: constr(regex="^(red|green|blue)$")
    is_gift: bool = False
    note: Optional[constr(max_length=200)] = None


class Total(BaseModel):
    name: str
    total: float
    quantity: int


@app.get("/", response_class=PlainTextResponse)
async def hello():
    return "Hello, World!"


@app.post("/orders", response_model=Total)
async def take_order(order: Order):
    return Total(name=order.name, total=order.price * order.quantity, quantity=order.quantity)
